package guests

// watch looks after the disk until the host is closed.
func (h *realHost) watch() {
	defer close(h.watched)
	<-h.stopWatch
}
