// Package guest is what runs inside an instance: the script that bakes or proves,
// its report on the serial console, and the user data that tells a stamped server
// its slot.
//
// For Linux everything is POSIX sh and runs under dash, bash and busybox; for Windows it
// is PowerShell 5.1, sent as Run Commands alone. A user's values reach the text of either
// in single quotes only, a user's files as data.
package guest
