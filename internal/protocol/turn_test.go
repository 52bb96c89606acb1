package protocol

// turn plans a configuration, applies it when more is known of it, and reports whether that
// was a success. Nothing happens in between, so nothing may be planned after that.
func (c *core) turn(first, final map[string]any) bool {
	if !c.planAndApply(first, final, true, func() {}) {
		return false
	}
	c.settled(final)
	return true
}

// planAndApply plans, lets something happen, and applies.
func (c *core) planAndApply(first, final map[string]any, refresh bool, between func()) bool {
	c.process()
	if !c.validate(first) || refresh && !c.refresh() {
		return false
	}
	planned, ok := c.plan(first)
	if !ok {
		return false
	}
	between()
	c.process()
	return c.apply(planned, final)
}

// end destroys what there is.
func (c *core) end() {
	if c.process(); !c.refresh() || c.object.value == nil {
		return
	}
	if planned, ok := c.plan(nil); ok {
		c.process()
		c.apply(planned, nil)
	}
}
