package provider

import (
	"context"
	"fmt"
	"net/netip"
	"path"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/fleet"
)

// stringRule is a validator of strings from a function: it returns what is wrong,
// or nothing.
type stringRule struct {
	description string
	summary     string
	wrong       func(value string) string
}

// Description says what is demanded.
func (r stringRule) Description(context.Context) string { return r.description }

// MarkdownDescription says what is demanded.
func (r stringRule) MarkdownDescription(context.Context) string { return r.description }

// ValidateString applies the rule to known values.
func (r stringRule) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if wrong := r.wrong(req.ConfigValue.ValueString()); wrong != "" {
		attributeError(&resp.Diagnostics, req.Path, r.summary, wrong)
	}
}

// duration accepts what time.ParseDuration accepts, above zero.
func duration() validator.String {
	return durationRule("a duration above zero with its unit, like \"30s\", \"10m\" or \"1h30m\"", 1)
}

// pause is a duration that may also be none.
func pause() validator.String {
	return durationRule("a duration with its unit, like \"0s\", \"30s\" or \"1h30m\"", 0)
}

func durationRule(how string, least time.Duration) validator.String {
	return stringRule{
		description: how,
		summary:     "Not a duration",
		wrong: func(value string) string {
			parsed, err := time.ParseDuration(value)
			if err != nil || parsed < least {
				text := fmt.Sprintf("%q is not %s.", value, how)
				if strings.HasSuffix(value, "d") {
					text += " Days are not known: 30 days are \"720h\"."
				}
				return text
			}
			return ""
		},
	}
}

// nonEmpty refuses the empty string, which Terraform users get from variables that
// were not set.
func nonEmpty() validator.String {
	return stringRule{
		description: "not empty",
		summary:     "Empty string",
		wrong: func(value string) string {
			if value == "" {
				return "The value is an empty string. Leave the attribute out, or set it to null, when there is nothing to say."
			}
			return ""
		},
	}
}

// asciiOnly refuses what EC2 refuses at the end of a bake: "Character sets beyond ASCII are not
// supported". Its reference does not say so.
func asciiOnly() validator.String {
	return stringRule{
		description: "ASCII characters alone",
		summary:     "Not ASCII",
		wrong: func(value string) string {
			at := strings.IndexFunc(value, func(c rune) bool { return c > unicode.MaxASCII })
			if at < 0 {
				return ""
			}
			c, _ := utf8.DecodeRuneInString(value[at:])
			return fmt.Sprintf("EC2 takes ASCII alone in a description, and refuses %q (%U). Write a plain hyphen for a dash, and plain quotes.", c, c)
		},
	}
}

var (
	amiFormat         = regexp.MustCompile(`^ami-[0-9a-f]{8,17}$`)
	targetGroupFormat = regexp.MustCompile(`^arn:[a-z-]+:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:targetgroup/.+$`)
	environmentFormat = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	stepNameFormat    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$`)
	regionFormat      = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]$`)
	userFormat        = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	modeFormat        = regexp.MustCompile(`^[0-7]{3,4}$`)
)

func amiID() validator.String {
	return formatRule(amiFormat, "Not an AMI id", `an AMI id, like "ami-0123456789abcdef0"`)
}

func targetGroupARN() validator.String {
	return formatRule(targetGroupFormat, "Not the ARN of a target group",
		`the ARN of a target group, like "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef"`)
}

func environmentName() validator.String {
	return formatRule(environmentFormat, "Not a name of an environment variable", "letters, digits and underscores, not beginning with a digit")
}

func stepNameRule() validator.String {
	return formatRule(stepNameFormat, "Not a name", "1 to 64 letters, digits, spaces and . _ - , beginning with a letter or digit")
}

func octalMode() validator.String {
	return formatRule(modeFormat, "Not a file mode", `an octal file mode, like "0644"`)
}

// destinationFormat is an absolute path of Linux, or one of Windows.
var destinationFormat = regexp.MustCompile(`^(/.*[^/]|[A-Za-z]:[\\/].*[^\\/])$`)

func absolutePath() validator.String {
	return formatRule(destinationFormat, "Not a destination", "an absolute path that does not end with a slash, like /opt/app or C:/app")
}

func formatRule(format *regexp.Regexp, summary, how string) validator.String {
	return stringRule{description: how, summary: summary, wrong: func(value string) string {
		if format.MatchString(value) {
			return ""
		}
		return fmt.Sprintf("%q is not %s.", value, how)
	}}
}

// uniqueNamesRule refuses a second element of a list with the same name.
type uniqueNamesRule struct{ what string }

func uniqueNames(what string) validator.List { return uniqueNamesRule{what} }

// Description says what is demanded.
func (r uniqueNamesRule) Description(context.Context) string {
	return "every " + r.what + " has a name of its own"
}

// MarkdownDescription says what is demanded.
func (r uniqueNamesRule) MarkdownDescription(ctx context.Context) string { return r.Description(ctx) }

// ValidateList points at the second of two elements with the same name. Names that
// are not known yet are looked at in the plan that knows them.
func (r uniqueNamesRule) ValidateList(_ context.Context, req validator.ListRequest, resp *validator.ListResponse) {
	first := map[string]int{}
	for i, element := range req.ConfigValue.Elements() {
		object, ok := element.(types.Object)
		if !ok || object.IsNull() || object.IsUnknown() {
			continue
		}
		name, ok := object.Attributes()["name"].(types.String)
		if !ok || name.IsNull() || name.IsUnknown() {
			continue
		}
		if earlier, twice := first[name.ValueString()]; twice {
			attributeError(&resp.Diagnostics, req.Path.AtListIndex(i).AtName("name"), "Name used twice",
				fmt.Sprintf("The %s %q at index %d has that name already. Messages and bake_reason name a %s: give each its own name.",
					r.what, name.ValueString(), earlier, r.what))
			continue
		}
		first[name.ValueString()] = i
	}
}

func slotNumber() validator.String {
	return formatRule(regexp.MustCompile(`^(0|[1-9][0-9]{0,4})$`), "Not a slot", `a slot's number without leading zeros, like "0" or "12"`)
}

// amount is a number of instances or a percentage.
func amount() validator.String {
	return stringRule{
		description: "a number, like 3, or a percentage, like 10%", summary: "Not a number of instances",
		wrong: func(value string) string {
			if _, err := fleet.ParseAmount(value); err != nil {
				return err.Error() + "."
			}
			return ""
		},
	}
}

func ipv4Address() validator.String {
	return stringRule{
		description: "an IPv4 address", summary: "Not an address",
		wrong: func(value string) string {
			if parsed, err := netip.ParseAddr(value); err != nil || !parsed.Is4() {
				return fmt.Sprintf("%q is no IPv4 address, like 10.0.0.9.", value)
			}
			return ""
		},
	}
}

func notStampVariable() validator.String {
	return stringRule{
		description: "not beginning with STAMP_", summary: "Reserved variable",
		wrong: func(value string) string {
			if strings.HasPrefix(value, "STAMP_") {
				return fmt.Sprintf("%s: variables that begin with STAMP_ are set by the provider. Choose another name.", value)
			}
			return ""
		},
	}
}

// oneOfRule demands exactly one of the attributes of an object.
type oneOfRule struct {
	what  string
	names []string
}

func exactlyOneOf(what string, names ...string) validator.Object { return oneOfRule{what, names} }

// Description says what is demanded.
func (r oneOfRule) Description(context.Context) string {
	return "exactly one of " + strings.Join(r.names, ", ")
}

// MarkdownDescription says what is demanded.
func (r oneOfRule) MarkdownDescription(ctx context.Context) string { return r.Description(ctx) }

// ValidateObject counts what is given. While one that is not known yet could decide,
// it leaves the question to the plan that knows.
func (r oneOfRule) ValidateObject(ctx context.Context, req validator.ObjectRequest, resp *validator.ObjectResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	var given []string
	for _, name := range r.names {
		switch value := req.ConfigValue.Attributes()[name]; {
		case value.IsUnknown():
			return
		case !value.IsNull():
			given = append(given, name)
		}
	}
	if len(given) == 1 {
		return
	}
	have := "none is given"
	if len(given) > 1 {
		have = strings.Join(given, " and ") + " are given"
	}
	attributeError(&resp.Diagnostics, req.Path, r.what+" takes exactly one of "+strings.Join(r.names, ", "),
		fmt.Sprintf("%s. Give %s.", have, r.Description(ctx)))
}

// globPattern is for what path.Match takes.
func globPattern() validator.String {
	return stringRule{
		description: "a pattern", summary: "Not a pattern",
		wrong: func(pattern string) string {
			if _, err := path.Match(pattern, ""); err != nil {
				return fmt.Sprintf("%q is no pattern: a [ without its ], or a \\ at the end.", pattern)
			}
			return ""
		},
	}
}
