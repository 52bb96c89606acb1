package report

import "fmt"

// Address stands in a command for the address of a resource, which only Terraform knows: it
// writes it into each error. "(ADDRESS is …)" after the command says so.
const Address = "ADDRESS"

// AddressIs says where to find the address.
const AddressIs = `ADDRESS is what stands after "with" above`

// Untaint is what keeps what a create has made that has failed: Terraform taints its
// resource, and would begin by destroying what is there.
const Untaint = "run terraform untaint '" + Address + "' (" + AddressIs + ")"

// Import says how a resource that is there already gets into the state, by the id.
func Import(id string) string {
	return fmt.Sprintf("if it is yours, run: terraform import '%[1]s' %[2]q\n"+
		"or add this block and run terraform apply again:\n\nimport {\n  to = %[1]s\n  id = %[2]q\n}\n\n%[3]s. Otherwise choose another name", Address, id, AddressIs)
}
