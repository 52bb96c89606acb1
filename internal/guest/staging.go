package guest

// Staged is a script on its way through an object store.
type Staged struct {
	// Content is what is stored.
	Content []byte
	// SHA256 is the content's, in hexadecimal digits: also a good name for it.
	SHA256 string
}

// Stage packs a script for an object store.
func Stage(script []byte) (Staged, error) {
	packed, err := pack(script)
	if err != nil {
		return Staged{}, err
	}
	return Staged{Content: packed, SHA256: hexDigest(packed)}, nil
}

// Loader composes the small script that fetches a staged one by a URL and becomes it.
// remote is set when it is a command of several.
func (s Staged) Loader(nonce, url string, remote bool) []byte {
	return s.loader(nonce, url, remote, server)
}

// WindowsLoader composes the same for PowerShell; it is always a command of several.
func (s Staged) WindowsLoader(nonce, url string) []byte {
	w := newPSWriter(nonce)
	w.need(windowsStaged)
	w.line("stamp_load", "script", psQuote(s.SHA256), psQuote(url))
	return w.end()
}

func (s Staged) loader(nonce, url string, remote bool, around surroundings) []byte {
	w := newScript(nonce, around)
	w.remote = remote
	w.need(partStaged)
	w.line("stamp_load", "script", s.SHA256, quote(url))
	return w.end()
}
