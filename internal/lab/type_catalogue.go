package lab

import "strings"

// size is a size within a family.
type size struct {
	vcpus int
	// gib is the memory of the T and M families; C families have half of it per vCPU, R
	// families twice as much.
	gib                   float64
	interfaces, addresses int
}

// Sizes as in https://docs.aws.amazon.com/ec2/latest/instancetypes/gp.html, co.html, mo.html
// and ac.html.
var (
	xenSizes = map[string]size{
		"nano": {1, 0.5, 2, 2}, "micro": {1, 1, 2, 2}, "small": {1, 2, 3, 4}, "medium": {2, 4, 3, 6},
		"large": {2, 8, 3, 12}, "xlarge": {4, 16, 3, 15}, "2xlarge": {8, 32, 3, 15},
	}
	burstableSizes = map[string]size{
		"nano": {2, 0.5, 2, 2}, "micro": {2, 1, 2, 2}, "small": {2, 2, 3, 4}, "medium": {2, 4, 3, 6},
		"large": {2, 8, 3, 12}, "xlarge": {4, 16, 4, 15}, "2xlarge": {8, 32, 4, 15},
	}
	generalSizes = map[string]size{
		"medium": {1, 4, 2, 4}, "large": {2, 8, 3, 10}, "xlarge": {4, 16, 4, 15}, "2xlarge": {8, 32, 4, 15},
		"4xlarge": {16, 64, 8, 30}, "8xlarge": {32, 128, 8, 30}, "9xlarge": {36, 144, 8, 30}, "12xlarge": {48, 192, 8, 30},
		"16xlarge": {64, 256, 15, 50}, "18xlarge": {72, 288, 15, 50}, "24xlarge": {96, 384, 15, 50},
		"32xlarge": {128, 512, 15, 50}, "48xlarge": {192, 768, 15, 50},
	}
	inferenceSizes = map[string]size{
		"xlarge": {4, 16, 4, 10}, "2xlarge": {8, 32, 4, 10}, "6xlarge": {24, 96, 8, 30}, "24xlarge": {96, 384, 11, 30},
	}
)

// Which sizes there are of a family differs from generation to generation.
const (
	sizesBurstable = "nano micro small medium large xlarge 2xlarge"
	sizesArm       = "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge"
	sizesFifth     = "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge"
	sizesC5        = "large xlarge 2xlarge 4xlarge 9xlarge 12xlarge 18xlarge 24xlarge"
	sizesSixth     = sizesFifth + " 32xlarge"
	sizesSixthAMD  = sizesSixth + " 48xlarge"
	sizesSeventh   = sizesFifth + " 48xlarge"
	sizesAMD       = "medium " + sizesSixthAMD
	sizesInference = "xlarge 2xlarge 6xlarge 24xlarge"
)

// family is what its sizes have in common.
type family struct {
	maker, sizes string
	of           map[string]size
	// memory is by which a size's memory is multiplied.
	memory float64
	// whole says that a vCPU is a core and not a thread of one, as on Graviton.
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/cpu-options-supported-instances-values.html
	whole, burstable, xen bool
}

// families are those of the catalogue, all of the present generation.
var families = map[string]family{
	"t2":  {maker: "Intel", sizes: sizesBurstable, of: xenSizes, memory: 1, whole: true, burstable: true, xen: true},
	"t3":  {maker: "Intel", sizes: sizesBurstable, of: burstableSizes, memory: 1, burstable: true},
	"t3a": {maker: "AMD", sizes: sizesBurstable, of: burstableSizes, memory: 1, burstable: true},
	"t4g": {maker: graviton, sizes: sizesBurstable, of: burstableSizes, memory: 1, whole: true, burstable: true},

	"m5":  {maker: "Intel", sizes: sizesFifth, of: generalSizes, memory: 1},
	"m5a": {maker: "AMD", sizes: sizesFifth, of: generalSizes, memory: 1},
	"m6i": {maker: "Intel", sizes: sizesSixth, of: generalSizes, memory: 1},
	"m6a": {maker: "AMD", sizes: sizesSixthAMD, of: generalSizes, memory: 1},
	"m7i": {maker: "Intel", sizes: sizesSeventh, of: generalSizes, memory: 1},
	"m7a": {maker: "AMD", sizes: sizesAMD, of: generalSizes, memory: 1, whole: true},
	"m6g": {maker: graviton, sizes: sizesArm, of: generalSizes, memory: 1, whole: true},
	"m7g": {maker: graviton, sizes: sizesArm, of: generalSizes, memory: 1, whole: true},

	"c5":  {maker: "Intel", sizes: sizesC5, of: generalSizes, memory: 0.5},
	"c5a": {maker: "AMD", sizes: sizesFifth, of: generalSizes, memory: 0.5},
	"c6i": {maker: "Intel", sizes: sizesSixth, of: generalSizes, memory: 0.5},
	"c6a": {maker: "AMD", sizes: sizesSixthAMD, of: generalSizes, memory: 0.5},
	"c7i": {maker: "Intel", sizes: sizesSeventh, of: generalSizes, memory: 0.5},
	"c7a": {maker: "AMD", sizes: sizesAMD, of: generalSizes, memory: 0.5, whole: true},
	"c6g": {maker: graviton, sizes: sizesArm, of: generalSizes, memory: 0.5, whole: true},
	"c7g": {maker: graviton, sizes: sizesArm, of: generalSizes, memory: 0.5, whole: true},

	"r5":  {maker: "Intel", sizes: sizesFifth, of: generalSizes, memory: 2},
	"r6i": {maker: "Intel", sizes: sizesSixth, of: generalSizes, memory: 2},
	"r6a": {maker: "AMD", sizes: sizesSixthAMD, of: generalSizes, memory: 2},
	"r7i": {maker: "Intel", sizes: sizesSeventh, of: generalSizes, memory: 2},
	"r6g": {maker: graviton, sizes: sizesArm, of: generalSizes, memory: 2, whole: true},
	"r7g": {maker: graviton, sizes: sizesArm, of: generalSizes, memory: 2, whole: true},

	"inf1": {maker: "Intel", sizes: sizesInference, of: inferenceSizes, memory: 0.5},
}

// graviton is who makes the processors of the arm64 families.
const graviton = "AWS"

// instanceTypes is the catalogue, by name.
var instanceTypes = catalogue()

func catalogue() map[string]*instanceType {
	all := map[string]*instanceType{}
	for called, f := range families {
		for _, name := range strings.Fields(f.sizes) {
			made := f.make(called+"."+name, f.of[name])
			all[made.name] = made
		}
	}
	return all
}

func (f family) make(name string, s size) *instanceType {
	made := &instanceType{
		name: name, architecture: onOff(f.maker == graviton, arm, x86), manufacturer: f.maker, burstable: f.burstable, xen: f.xen,
		cores: s.vcpus, vcpus: s.vcpus, memory: int(s.gib * f.memory * 1024), interfaces: s.interfaces, addresses: s.addresses,
	}
	if !f.whole {
		made.cores = max(1, s.vcpus/2)
	}
	return made
}
