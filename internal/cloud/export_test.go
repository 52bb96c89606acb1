package cloud

// NoEnvironment takes away what the machine that runs the tests says about AWS.
var NoEnvironment = noEnvironment
