package lab

// monitoringActions switch detailed monitoring. The lab measures nothing; it
// remembers what was asked for.
var monitoringActions = map[string]action{
	"MonitorInstances":   of((*region).monitorInstances),
	"UnmonitorInstances": of((*region).unmonitorInstances),
}

type namedInstancesInput struct{ InstanceId []string }

type instanceMonitoringItem struct {
	InstanceID string         `xml:"instanceId"`
	Monitoring monitoringItem `xml:"monitoring"`
}

type monitoringOutput struct {
	Instances []instanceMonitoringItem `xml:"instancesSet"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_MonitorInstances.html
func (r *region) monitorInstances(in *namedInstancesInput) (*monitoringOutput, *apiError) {
	return r.setMonitoring(in.InstanceId, true)
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_UnmonitorInstances.html
func (r *region) unmonitorInstances(in *namedInstancesInput) (*monitoringOutput, *apiError) {
	return r.setMonitoring(in.InstanceId, false)
}

// setMonitoring answers that the change is under way for those that it changes.
func (r *region) setMonitoring(ids []string, on bool) (*monitoringOutput, *apiError) {
	instances, err := r.named(ids)
	if err != nil {
		return nil, err
	}
	for _, i := range instances {
		if !i.live() {
			return nil, wrongState(i, onOff(on, "monitored", "unmonitored"))
		}
	}
	out := &monitoringOutput{}
	for _, i := range instances {
		state := onOff(on, "enabled", "disabled")
		if i.monitoring != on {
			state = onOff(on, "pending", "disabling")
		}
		i.monitoring = on
		out.Instances = append(out.Instances, instanceMonitoringItem{i.id, monitoringItem{State: state}})
	}
	return out, nil
}
