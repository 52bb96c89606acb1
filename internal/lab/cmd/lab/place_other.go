//go:build !unix

package main

// guestsPlace names no directory: there are no guests on this system.
func guestsPlace(parent string) (string, error) { return parent, nil }
