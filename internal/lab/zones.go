package lab

import "slices"

type describeZonesInput struct {
	ZoneName             []string
	ZoneId               []string
	AllAvailabilityZones *bool
	Filter               []filterParam
}

type zoneItem struct {
	OptIn       string   `xml:"optInStatus"`
	Region      string   `xml:"regionName"`
	Name        string   `xml:"zoneName"`
	ID          string   `xml:"zoneId"`
	Group       string   `xml:"groupName"`
	BorderGroup string   `xml:"networkBorderGroup"`
	Type        string   `xml:"zoneType"`
	State       string   `xml:"zoneState"`
	Messages    []string `xml:"messageSet"`
}

type describeZonesOutput struct {
	Zones []zoneItem `xml:"availabilityZoneInfo"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAvailabilityZones.html
func (r *region) describeAvailabilityZones(in *describeZonesInput) (*describeZonesOutput, *apiError) {
	fields := filterable[zone]{
		"zone-name":     one(func(z zone) string { return z.name }),
		"zone-id":       one(func(z zone) string { return z.id }),
		"region-name":   one(func(zone) string { return r.name }),
		"state":         one(func(zone) string { return "available" }),
		"zone-state":    one(func(zone) string { return "available" }),
		"zone-type":     one(func(zone) string { return "availability-zone" }),
		"opt-in-status": one(func(zone) string { return "opt-in-not-required" }),
		"group-name":    one(func(zone) string { return r.name + "-zg-1" }),
	}
	match, err := fields.matcher(in.Filter, nil)
	if err != nil {
		return nil, err
	}
	for _, name := range in.ZoneName {
		if !slices.ContainsFunc(r.zones, func(z zone) bool { return z.name == name }) {
			return nil, invalid("Invalid availability zone: [%s]", name)
		}
	}
	out := &describeZonesOutput{}
	for _, z := range r.zones {
		named := len(in.ZoneName) == 0 || slices.Contains(in.ZoneName, z.name)
		withID := len(in.ZoneId) == 0 || slices.Contains(in.ZoneId, z.id)
		if named && withID && match(z) {
			out.Zones = append(out.Zones, zoneItem{
				OptIn: "opt-in-not-required", Region: r.name, Name: z.name, ID: z.id, Group: r.name + "-zg-1",
				BorderGroup: r.name, Type: "availability-zone", State: "available",
			})
		}
	}
	return out, nil
}

// zoneOf finds the zone of a request that must name one, by its name or by its id.
func (r *region) zoneOf(name, id string) (zone, *apiError) {
	switch {
	case name == "" && id == "":
		return zone{}, missing("AvailabilityZone")
	case name != "" && id != "":
		return zone{}, combination("The parameters AvailabilityZone and AvailabilityZoneId may not be specified on the same request")
	}
	at := slices.IndexFunc(r.zones, func(z zone) bool { return z.name == name || z.id == id })
	if at < 0 {
		return zone{}, fail("InvalidZone.NotFound", "The zone '%s' does not exist.", name+id)
	}
	return r.zones[at], nil
}

type describeRegionsInput struct {
	RegionName []string
	AllRegions *bool
	Filter     []filterParam
}

type regionItem struct {
	OptIn    string `xml:"optInStatus"`
	Name     string `xml:"regionName"`
	Endpoint string `xml:"regionEndpoint"`
}

type describeRegionsOutput struct {
	Regions []regionItem `xml:"regionInfo"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRegions.html
func (r *region) describeRegions(in *describeRegionsInput) (*describeRegionsOutput, *apiError) {
	endpoint := func(name string) string { return "ec2." + name + ".amazonaws.com" }
	fields := filterable[string]{
		"region-name":   one(func(name string) string { return name }),
		"endpoint":      one(endpoint),
		"opt-in-status": one(func(string) string { return "opt-in-not-required" }),
	}
	match, err := fields.matcher(in.Filter, nil)
	if err != nil {
		return nil, err
	}
	for _, name := range in.RegionName {
		if !slices.Contains(regionNames, name) {
			return nil, invalid("Invalid region: [%s]", name)
		}
	}
	out := &describeRegionsOutput{}
	for _, name := range regionNames {
		if (len(in.RegionName) == 0 || slices.Contains(in.RegionName, name)) && match(name) {
			out.Regions = append(out.Regions, regionItem{OptIn: "opt-in-not-required", Name: name, Endpoint: endpoint(name)})
		}
	}
	return out, nil
}
