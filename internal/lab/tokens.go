package lab

import (
	"cmp"
	"reflect"
)

// tokenLimits are the most ASCII characters of a token where it is not maxClientToken.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html
var tokenLimits = map[string]int{"CreateLaunchTemplate": 128, "CreateLaunchTemplateVersion": 128, "ModifyLaunchTemplate": 128}

// tokenKey is one client token of one action. Tokens count in a region, but for the
// few actions that name a zone.
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
type tokenKey struct{ action, token string }

// spoken is a call with a client token: what it asked for and what it made.
type spoken[I, T any] struct {
	asked *I
	made  T
}

// once makes something, unless the client token has made it before; then it answers
// that. The same token with other parameters is refused. A call that fails does not
// spend its token.
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
func once[I, T any](r *region, action, token string, in *I, do func(*I) (T, *apiError)) (T, *apiError) {
	var none T
	if most := cmp.Or(tokenLimits[action], maxClientToken); len(token) > most {
		return none, invalid("Value (%s) for parameter clientToken is invalid. It has more than %d characters.", token, most)
	}
	key := tokenKey{action, token}
	if before, ok := r.tokens[key].(spoken[I, T]); ok {
		if !reflect.DeepEqual(before.asked, in) {
			return none, tokenMismatch()
		}
		return before.made, nil
	}
	made, err := do(in)
	if err == nil && token != "" {
		r.tokens[key] = spoken[I, T]{in, made}
	}
	return made, err
}

func tokenMismatch() *apiError {
	return fail("IdempotentParameterMismatch",
		"Arguments on this idempotent request are inconsistent with arguments used in previous request(s).")
}
