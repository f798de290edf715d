//go:build tools

// Package tools pins h2spec, which has no go.mod of its own, and what it needs to versions that Go 1.19 can build.
package tools

import _ "github.com/summerwind/h2spec/cmd/h2spec"
