package lab

import (
	"maps"
	"time"
)

// release is one public image that was published in every region.
type release struct {
	name, description, date string
	owner, alias            string
	os, architecture        string
	device                  string
	size                    int
	// parameters are the public SSM parameters that point to the image, until a later
	// release takes them over.
	parameters []string
}

// releases are the public images, in order of publication.
func releases() []release {
	var all []release
	al2023 := []struct{ version, date string }{
		{"2023.5.20240916.0", "2024-09-17T00:05:11.000Z"},
		{"2023.6.20241121.0", "2024-11-22T01:12:44.000Z"},
		{"2023.6.20250107.0", "2025-01-08T23:20:31.000Z"},
	}
	for _, published := range al2023 {
		for _, architecture := range []string{x86, arm} {
			prefix := "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-"
			all = append(all, release{
				name:        "al2023-ami-" + published.version + "-kernel-6.1-" + architecture,
				description: "Amazon Linux 2023 AMI " + published.version + " " + architecture + " HVM kernel-6.1",
				date:        published.date, owner: amazonID, alias: amazonAlias,
				os: "al2023", architecture: architecture, device: "/dev/xvda", size: 8,
				parameters: []string{prefix + "default-" + architecture, prefix + "6.1-" + architecture},
			})
		}
	}
	debian := []struct{ version, date string }{
		{"20240901-1857", "2024-09-01T22:10:05.000Z"},
		{"20241110-1927", "2024-11-10T22:31:40.000Z"},
		{"20250115-1993", "2025-01-15T21:46:18.000Z"},
	}
	for _, published := range debian {
		for _, architecture := range []string{x86, arm} {
			short := map[string]string{x86: "amd64", arm: "arm64"}[architecture]
			all = append(all, release{
				name:        "debian-12-" + short + "-" + published.version,
				description: "Debian 12 (" + published.version + ")",
				date:        published.date, owner: debianID,
				os: "debian", architecture: architecture, device: "/dev/xvda", size: 8,
				parameters: []string{
					"/aws/service/debian/release/12/latest/" + short,
					"/aws/service/debian/release/12/" + published.version + "/" + short,
				},
			})
		}
	}
	return append(all, windowsReleases()...)
}

// publish puts the public images and their parameters into the region. They are the
// same ones for all accounts.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters-ami.html
func (r *region) publish() {
	if r.account.id != homeID {
		maps.Copy(r.parameters, r.place.published)
		return
	}
	for _, published := range releases() {
		created, err := time.Parse(timeForm, published.date)
		if err != nil {
			panic("the date of a public image: " + err.Error()) // a mistake in the table above
		}
		kept := &snapshot{
			object: r.object("snap", tagMap{}), region: r, owner: published.owner, alias: published.alias,
			state: snapshotCompleted, started: created, size: published.size, volumeID: "vol-ffffffff",
			description: published.description, disk: disk{os: published.os},
			permissions: []volumePermission{{Group: "all"}},
		}
		r.place.snapshots.put(kept)
		base := &image{
			object: r.object("ami", tagMap{}), region: r, owner: published.owner, alias: published.alias,
			name: published.name, description: published.description, created: created, state: imageAvailable,
			architecture: published.architecture, rootDevice: published.device, disk: disk{os: published.os},
			launch: []permissionParam{{Group: "all"}},
			mappings: []mapping{{
				device: published.device, snapshotID: kept.id, size: published.size, kind: "gp3",
				iops: 3000, throughput: 125, deleteOnTermination: true,
			}},
		}
		// AL2023 asks for IMDSv2, Debian leaves the choice.
		// https://docs.aws.amazon.com/linux/al2023/ug/imdsv2.html
		if published.os == "al2023" {
			base.imdsSupport = imdsV2
		}
		r.place.images.put(base)
		for _, name := range published.parameters {
			r.publishParameter(name, base.id, created)
		}
	}
	r.place.published = maps.Clone(r.parameters)
}
