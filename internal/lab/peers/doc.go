// Package peers holds tests of the lab's honesty by clients that nobody here wrote:
// the hashicorp/aws provider under a real Terraform or OpenTofu, and botocore with its
// models and waiters. What they see must be what they see on AWS. It also asks moto,
// another imitation of AWS, the same questions, and keeps a list of where the two
// differ and whom AWS's documents support.
//
// The tests take minutes and need programs that not every machine has, so they run
// only where STAMP_PEERS is set: make test-lab-peers sets it, and a test whose program
// is not there is skipped and says so. The provider is taken from the directory
// STAMP_AWS_PROVIDER_DIR, which is laid out as a file system mirror.
package peers
