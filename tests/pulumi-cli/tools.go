// Names the programs that the tests build from source, so that go.mod and go.sum pin them.

//go:build tools

package tools

import (
	_ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
	_ "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml"
)
