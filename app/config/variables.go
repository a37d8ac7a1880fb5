package config

import (
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Role is the command of the binary that reads a variable.
type Role string

// The commands that read the environment.
const (
	RoleBackend  Role = "backend"
	RoleFrontend Role = "frontend"
)

// Variable describes an environment variable. Each can also be given as Name+"_FILE".
type Variable struct {
	Name     string
	Required bool
	Secret   bool   // never shown
	Default  string // empty: none
	Allowed  string // completes "it must be ..."; empty: anything
	Help     string
	Min, Max int64 // both 0 if it is no number

	field string // in the role's struct
}

// Variables lists what a role reads, in the order of its struct.
func Variables(r Role) []Variable {
	if r == RoleFrontend {
		return variablesOf(reflect.TypeFor[Frontend]())
	}
	return variablesOf(reflect.TypeFor[Backend]())
}

func variablesOf(config reflect.Type) []Variable {
	var variables []Variable
	for field := range config.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("env"), ",")
		v := Variable{
			Name: name, Required: options == "required", Secret: field.Type == reflect.TypeFor[Secret](),
			Default: field.Tag.Get("envDefault"), Allowed: field.Tag.Get("allowed"), Help: field.Tag.Get("help"),
			Min: bound(field, "min"), Max: bound(field, "max"), field: field.Name,
		}
		if v.Max != 0 {
			v.Allowed = fmt.Sprintf("a whole number from %d to %d", v.Min, v.Max)
		}
		variables = append(variables, v)
	}
	return variables
}

func bound(field reflect.StructField, tag string) int64 {
	n, err := strconv.ParseInt(field.Tag.Get(tag), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// WriteHelp writes the variables of a role for people, aligned.
func WriteHelp(w io.Writer, r Role) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range Variables(r) {
		remark := v.Default
		if v.Required {
			remark = "required"
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\n", v.Name, remark, v.Help)
	}
	return table.Flush()
}
