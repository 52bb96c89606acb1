// Package guest is what runs inside an instance: the script that bakes or proves,
// its report on the serial console, and the user data that tells a stamped server
// its slot.
//
// Everything is POSIX sh and runs under dash, bash and busybox. A user's values
// reach shell text in single quotes only, a user's files as data.
package guest
