package lab

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// probes are what asking the guest behind a target has shown.
type probes struct {
	// made is set with the first answer; outcome is the target's health since then.
	made    bool
	outcome targetHealth
	// good and bad count answers in a row; asking is set while one is awaited.
	good, bad int
	asking    bool
}

// note counts an answer. https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
func (p *probes) note(answer targetHealth, settings healthSettings) {
	p.asking = false
	if answer == healthOK {
		p.good, p.bad = p.good+1, 0
		// The first check decides; later ones must be as many as the threshold says.
		if !p.made || p.outcome.State == targetInitial || p.good >= settings.healthy {
			p.outcome = healthOK
		}
	} else {
		p.good, p.bad = 0, p.bad+1
		if p.bad >= settings.unhealthy {
			p.outcome = answer
		} else if !p.made {
			p.outcome = healthChecking
		}
	}
	p.made = true
}

// leastProbes is the time between two checks where the interval takes no time.
const leastProbes = time.Second

// probeLater asks the guests behind a group's targets at every interval, as long as a
// load balancer uses the group. Guests are asked when somebody looks at the lab, as
// everything on the agenda: how often is not made up for.
func (r *region) probeLater(group *targetGroup) {
	running, _ := r.lab.guestsRun()
	if !running {
		return
	}
	since := group.usedSince
	r.lab.agenda.add(r.now(), func(time.Time) {
		if group.usedSince != since || since.IsZero() || r.targetGroups.get(group.id) == nil {
			return
		}
		for _, t := range group.targets {
			r.probe(t)
		}
		r.lab.agenda.add(r.now().Add(max(leastProbes, r.lapse(group.health.interval))), func(time.Time) { r.probeLater(group) })
	})
}

// probe asks one guest, in a job of its machine.
func (r *region) probe(t *target) {
	behind := r.behind(t)
	if t.draining || t.probes.asking || behind == nil || behind.state != stateRunning || !behind.machine.on {
		return
	}
	t.probes.asking = true
	registered, settings := t.registered, t.of.health
	port := t.port
	if number, err := strconv.Atoi(settings.port); err == nil {
		port = number
	}
	machine := behind.machine
	machine.do(func() {
		answer := machine.ask(settings, port)
		l := r.lab
		l.mu.Lock()
		defer l.mu.Unlock()
		if t.registered.Equal(registered) {
			t.probes.note(answer, settings)
		}
	})
}

// ask makes one health check from within the guest; it is called without the lab's
// lock. A guest in which there is nothing to ask with counts as healthy.
func (m *machine) ask(settings healthSettings, port int) targetHealth {
	if m.guest == nil {
		return healthTimeout
	}
	// The guest's own limit comes first, this one is for a guest that hangs.
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(settings.timeout+1)*time.Second)
	defer cancel()
	output, exitCode, err := m.guest.Run(ctx, probeScript(settings, port))
	switch {
	case err != nil || exitCode == probeTimedOut:
		return healthTimeout
	case exitCode == probeNoTool:
		return healthOK
	case exitCode != 0:
		return targetHealth{targetUnhealthy, "Target.FailedHealthChecks", "Health checks failed"}
	case !application(settings.protocol):
		return healthOK
	}
	status, _ := strconv.Atoi(strings.TrimSpace(output))
	if settings.matches(status) {
		return healthOK
	}
	return targetHealth{targetUnhealthy, "Target.ResponseCodeMismatch", fmt.Sprintf("Health checks failed with these codes: [%d]", status)}
}

// Exit codes of probeScript: curl's for a timeout, the shell's for no such program.
const (
	probeTimedOut = 28
	probeNoTool   = 127
)

// probeScript prints the status of an HTTP answer, or only connects.
func probeScript(settings healthSettings, port int) string {
	if application(settings.protocol) {
		return fmt.Sprintf("exec curl -k -s -o /dev/null -m %d -w '%%{http_code}' -H 'User-Agent: ELB-HealthChecker/2.0' '%s://127.0.0.1:%d%s'\n",
			settings.timeout, strings.ToLower(settings.protocol), port, strings.ReplaceAll(settings.path, "'", "%27"))
	}
	return fmt.Sprintf("exec bash -c ': <>/dev/tcp/127.0.0.1/%d' 2>/dev/null\n", port)
}
