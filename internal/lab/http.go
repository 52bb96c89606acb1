package lab

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// maxBody bounds a request's body; the largest real ones are RunInstances calls
// with 16 KiB of user data.
const maxBody = 4 << 20

// call is one request on its way through the lab.
type call struct {
	// service and region come from the credential scope: "ec2", "us-east-1".
	service, region string
	action          string
	// form holds the parameters of a query request, body those of a JSON one.
	form url.Values
	body []byte
	// keyID is the access key that the request is signed with.
	keyID string
	// account is the caller's; it is set before the action runs.
	account *account
	// address is where the request arrived.
	address netip.AddrPort
	// rest is what a REST request asks for.
	rest *s3Request
	// requestID is set before the action runs; number counts requests from 1.
	requestID string
	number    int
}

// protocol is how a service is spoken.
type protocol struct {
	// read finds out what is asked; nil reads a query or a JSON request.
	read func(c *call, request *http.Request) *apiError
	// do runs the action.
	do func(l *Lab, r *region, c *call) (any, *apiError)
	// answer and refuse write what came of it.
	answer func(w http.ResponseWriter, c *call, result any)
	refuse func(w http.ResponseWriter, c *call, err *apiError)
}

// services are the served ones, by the name that the credential scope gives them.
var services = map[string]protocol{
	"ec2": {do: doEC2, answer: answerEC2, refuse: refuseEC2},
	"ssm": {do: doSSM, answer: answerJSON, refuse: refuseJSON},
	"kms": {do: doKMS, answer: answerJSON, refuse: refuseJSON},
	"s3":  {read: readS3, do: doS3, answer: answerS3, refuse: refuseS3},
	"sts": {do: doSTS, answer: answerSTS, refuse: refuseSTS},

	"elasticloadbalancing": {do: doELB, answer: answerELB, refuse: refuseELB},
	"autoscaling":          {do: doScaling, answer: answerScaling, refuse: refuseScaling},
}

// ServeHTTP answers every service at one endpoint; the door is below /_lab/, and a
// browser at the root gets the page. What pages of others send is turned away.
func (l *Lab) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if reason := l.foreign(request); reason != "" {
		turnAway(w, reason)
		return
	}
	if asksForPage(request) {
		servePage(w, request)
		return
	}
	if strings.HasPrefix(request.URL.Path, "/_lab/") {
		l.door.ServeHTTP(w, request)
		return
	}
	l.serveCloud(w, request)
}

// serveCloud is ServeHTTP without the door, which has no place inside guests.
func (l *Lab) serveCloud(w http.ResponseWriter, request *http.Request) {
	c, err := readCall(w, request)
	speak, known := services[c.service]
	if !known {
		speak = services["sts"] // the plain query protocol's error shape
	}
	if err == nil && !known {
		err = fail("InvalidAction", "The lab does not serve %q; it serves EC2, Auto Scaling, SSM, ELBv2, STS, S3 and KMS.", c.service)
	}
	var result any
	c.number = int(l.requests.Add(1))
	if l.onRequest != nil {
		l.onRequest(c.number, c.action)
	}
	if err == nil {
		result, err = l.perform(c, speak)
	} else {
		c.requestID = l.requestID()
	}
	if !travel(request.Context()) {
		return
	}
	switch {
	case err == nil:
		speak.answer(w, c, result)
	case err.cut == cutAtOnce:
		panic(http.ErrAbortHandler)
	case err.cut == cutHalfway:
		tear(w, func(whole http.ResponseWriter) { speak.answer(whole, c, result) })
	default:
		speak.refuse(w, c, err)
	}
}

// latency is how long an answer is on its way, in the machine's time. Without any,
// an answer can come before the client's transport has finished with the request:
// the SDK closes the request's body as soon as it has the answer's head, net/http
// then takes the body's end for a failure and cuts the connection, about once in 20
// calls. No network is that fast, and in a bubble of testing/synctest the wait takes
// no time at all.
const latency = 2 * time.Millisecond

// travel waits for the latency. It is false when the client has gone.
func travel(ctx context.Context) bool {
	arrival := time.NewTimer(latency)
	defer arrival.Stop()
	select {
	case <-arrival.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// perform takes a request through the books, the weather and its effect.
func (l *Lab) perform(c *call, speak protocol) (any, *apiError) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.now()
	l.agenda.settle(now)
	l.address = c.address
	c.requestID = l.ids.uuid()
	result, err := l.effect(c, speak, now)
	l.counts.count(c.action, err)
	for _, t := range l.tallies {
		t.count(now, c.action, err)
	}
	return result, err
}

// effect runs the action between the two sides of the weather. A result beside an
// error is an answer that will be torn.
func (l *Lab) effect(c *call, speak protocol, now time.Time) (any, *apiError) {
	caller, err := l.caller(c)
	if err != nil {
		return nil, err
	}
	c.account = caller
	r, err := caller.region(c.region)
	if err != nil {
		return nil, err
	}
	ordered := l.failOnOrder(c)
	if err := l.before(c, ordered, now); err != nil {
		return nil, err
	}
	if err := l.checkSession(c, now); err != nil {
		return nil, err
	}
	result, failure := speak.do(l, r, c)
	switch lost := l.after(c, ordered); {
	case lost == nil:
		return result, failure
	case lost.cut == cutHalfway && failure != nil:
		return nil, cutConnection(cutAtOnce)
	default:
		return result, lost
	}
}

// requestID makes an id for a request that never reached perform.
func (l *Lab) requestID() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ids.uuid()
}

// readCall finds out what is asked. The call is usable for an error answer even
// when there is an error.
func readCall(w http.ResponseWriter, request *http.Request) (*call, *apiError) {
	c := &call{}
	if local, ok := request.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		c.address = local.AddrPort()
	}
	signed := c.readScope(request)
	if read := services[c.service].read; read != nil {
		request.Body = http.MaxBytesReader(w, request.Body, maxObject+maxBody)
		return c, read(c, request)
	}
	request.Body = http.MaxBytesReader(w, request.Body, maxBody)
	if target := request.Header.Get("X-Amz-Target"); target != "" && signed {
		_, c.action, _ = strings.Cut(target, ".")
		content, err := io.ReadAll(request.Body)
		if err != nil {
			return c, fail("SerializationException", "reading the body: %v", err)
		}
		c.body = content
		return c, nil
	}
	if err := request.ParseForm(); err != nil {
		return c, fail("MalformedQueryString", "The query string is malformed: %v", err)
	}
	c.form = request.Form
	c.action = c.form.Get("Action")
	if !signed && !c.takeUnsigned() {
		return c, noScope
	}
	if c.action == "" {
		return c, fail("MissingAction", "The request must contain the parameter Action")
	}
	return c, nil
}
