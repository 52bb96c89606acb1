package lab

// configuredParam is HibernationOptions.
type configuredParam struct{ Configured *bool }

// extras refuses what instances of the lab cannot have; turned off, as clients like to
// say it, it is what they have anyway.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
func (in *runInstancesInput) extras() *apiError {
	if in.HibernationOptions != nil && isTrue(in.HibernationOptions.Configured) {
		return fail("UnsupportedHibernationConfiguration", "No instance type of the lab can hibernate")
	}
	if in.EnclaveOptions != nil && isTrue(in.EnclaveOptions.Enabled) {
		return fail("UnsupportedOperation", "No instance of the lab has enclaves")
	}
	return nil
}
