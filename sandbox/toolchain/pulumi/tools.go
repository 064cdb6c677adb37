//go:build tools

// Package tools pins the Pulumi CLI: `go build` of this import is the engine of the sandbox.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
