// Package lab is a cloud to rehearse on: EC2, SSM and STS over their own wire
// protocols, in memory, so that the real SDK, other providers and the AWS CLI can
// be pointed at it.
//
// A request takes one way in: [Lab.ServeHTTP] reads service and region from the
// credential scope, counts the request in the books, asks the weather, runs the
// action under the lab's one lock, asks the weather again and writes the answer.
// What is not implemented answers as AWS answers what it does not know, never with
// a made-up success; so does a parameter that the lab does not understand.
//
// Things take their time by the agenda: a launch writes down when its instances
// will run, and every request begins by carrying out what has come due. There is no
// background goroutine except those that drive guests, so that a lab also lives in
// a bubble of testing/synctest.
//
// Signatures are not checked, and there is no IAM: every caller is the account's
// own administrator, and every well-formed instance profile exists.
package lab
