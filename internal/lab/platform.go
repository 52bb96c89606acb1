package lab

import "fmt"

// windowsOS is the content of the disks that Windows is on.
const windowsOS = "windows"

// windowsID owns Amazon's public images of Windows.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-find.html
const windowsID = "801119661308"

// platform is what EC2 and Systems Manager say of the system on a disk.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/billing-info-fields.html
type platform struct {
	// value is that of the element of that name, which Windows alone has.
	value, details, usage string
	// kind, name and version are Systems Manager's.
	kind, name, version string
	// rebootCode is the exit code of a command that asks for a reboot, after which its
	// script runs again.
	// https://docs.aws.amazon.com/systems-manager/latest/userguide/send-commands-reboot.html
	rebootCode int
}

func (d disk) platform() platform {
	if d.os == windowsOS {
		return platform{
			value: "windows", details: "Windows", usage: "RunInstances:0002",
			kind: "Windows", name: "Microsoft Windows Server 2022 Datacenter", version: "10.0.20348", rebootCode: 3010,
		}
	}
	return platform{details: platformLinux, usage: "RunInstances", kind: "Linux", name: "Amazon Linux", version: "2023", rebootCode: 194}
}

// platformFilter is the filter that knows Windows alone.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html
func platformFilter(d disk) []string {
	if value := d.platform().value; value != "" {
		return []string{value}
	}
	return nil
}

// windowsReleases are Amazon's public images of Windows, in order of publication.
// https://docs.aws.amazon.com/ec2/latest/windows-ami-reference/windows-ami-versions.html
func windowsReleases() []release {
	var all []release
	for _, published := range []struct{ version, date string }{
		{"2024.10.09", "2024-10-10T09:14:02.000Z"}, {"2024.11.13", "2024-11-14T08:40:55.000Z"}, {"2025.01.15", "2025-01-16T07:51:37.000Z"},
	} {
		for _, edition := range []string{"Full", "Core"} {
			name := fmt.Sprintf("Windows_Server-2022-English-%s-Base", edition)
			all = append(all, release{
				name:        name + "-" + published.version,
				description: fmt.Sprintf("Microsoft Windows Server 2022 %s Locale English AMI provided by Amazon", edition),
				date:        published.date, owner: windowsID, alias: amazonAlias,
				os: windowsOS, architecture: x86, device: "/dev/sda1", size: 30,
				parameters: []string{"/aws/service/ami-windows-latest/" + name},
			})
		}
	}
	return all
}
