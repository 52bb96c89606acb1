package lab

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"time"
)

// jsonAction is one action of a service that speaks JSON 1.1.
type jsonAction func(r *region, body []byte) (any, *apiError)

// ssmActions are the SSM actions that the lab knows.
var ssmActions = jsonUnion(parameterActions, parameterTagActions, agentActions, commandActions)

func jsonUnion(sets ...map[string]jsonAction) map[string]jsonAction {
	all := map[string]jsonAction{}
	for _, set := range sets {
		maps.Copy(all, set)
	}
	return all
}

// asJSON turns a method into an action of the JSON 1.1 protocol. A member that the
// method's input does not have is refused, so that nothing asked for is silently
// left out.
func asJSON[I, O any](do func(*region, *I) (*O, *apiError)) jsonAction {
	return func(r *region, body []byte) (any, *apiError) {
		input := new(I)
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(input); err != nil {
			return nil, fail("SerializationException", "%v", err)
		}
		if err := checkMembers(reflect.ValueOf(input).Elem(), ""); err != nil {
			return nil, err
		}
		output, err := do(r, input)
		if err != nil {
			return nil, err
		}
		return output, nil
	}
}

func doSSM(_ *Lab, r *region, c *call) (any, *apiError) { return doJSON(ssmActions, r, c) }

func doJSON(actions map[string]jsonAction, r *region, c *call) (any, *apiError) {
	do := actions[c.action]
	if do == nil {
		return nil, fail("UnknownOperationException", "")
	}
	return do(r, c.body)
}

const jsonKind = "application/x-amz-json-1.1"

func answerJSON(w http.ResponseWriter, c *call, result any) {
	body, err := json.Marshal(result)
	if err != nil {
		refuseJSON(w, c, &apiError{status: http.StatusInternalServerError, code: "InternalServerError", message: err.Error()})
		return
	}
	writeBody(w, c, http.StatusOK, jsonKind, body)
}

func refuseJSON(w http.ResponseWriter, c *call, refused *apiError) {
	// A map of strings can always be written.
	body, _ := json.Marshal(map[string]string{"__type": refused.code, "message": refused.message})
	writeBody(w, c, refused.status, jsonKind, body)
}

// epoch is a time as JSON 1.1 has it: seconds since 1970.
func epoch(at time.Time) float64 { return float64(at.UnixMilli()) / 1000 }

// window cuts one page out of things, which come in a lasting order under distinct keys: it goes
// on after the key in the token.
func window[T any](all []T, key func(T) string, size *int, most int, token string) (some []T, next string, err *apiError) {
	after := ""
	if token != "" {
		text, failure := base64.RawURLEncoding.DecodeString(token)
		if failure != nil || len(text) == 0 {
			return nil, "", fail("InvalidNextToken", "The specified token isn't valid.")
		}
		after = string(text)
	}
	limit := most
	if size != nil {
		limit = *size
	}
	some = []T{}
	for _, thing := range all {
		if key(thing) <= after {
			continue
		}
		if len(some) == limit {
			return some, base64.RawURLEncoding.EncodeToString([]byte(key(some[limit-1]))), nil
		}
		some = append(some, thing)
	}
	return some, "", nil
}
