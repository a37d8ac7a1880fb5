package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
)

// LoadBackend reads the environment of the backend: lines NAME=value, as os.Environ returns them.
// Its error joins one error a problem.
func LoadBackend(environ []string) (Backend, error) {
	c, problems := load[Backend](environ)
	if c.CacheDir == "" {
		c.CacheDir = filepath.Join(os.TempDir(), "chatpdf")
	}
	problems = append(problems, c.check()...)
	return c, errors.Join(problems...)
}

// LoadFrontend reads the environment of the frontend, like LoadBackend.
func LoadFrontend(environ []string) (Frontend, error) {
	c, problems := load[Frontend](environ)
	return c, errors.Join(problems...)
}

// load fills a C from the environment and from the files it names.
func load[C any](environ []string) (c C, problems []error) {
	variables := variablesOf(reflect.TypeFor[C]())
	values := env.ToMap(environ)
	// A variable set to nothing is one that is not set: that is how charts and shells leave things out.
	maps.DeleteFunc(values, func(_, value string) bool { return strings.TrimSpace(value) == "" })
	files := map[string]string{}
	broken := map[string]bool{} // those whose problem is already told
	for _, v := range variables {
		path, ok := values[v.Name+"_FILE"]
		if !ok {
			continue
		}
		value, err := fromFile(values, v.Name, path)
		if err != nil {
			problems, broken[v.Name] = append(problems, err), true
		}
		values[v.Name], files[v.Name] = value, path
	}
	err := env.ParseWithOptions(&c, env.Options{Environment: values})
	var all env.AggregateError
	if err != nil && !errors.As(err, &all) {
		return c, append(problems, err)
	}
	for _, problem := range all.Errors {
		v, ok := blame(variables, problem)
		switch {
		case !ok:
			problems = append(problems, problem)
		case !broken[v.Name]:
			problems, broken[v.Name] = append(problems, v.complain(values)), true
		}
	}
	fields := reflect.ValueOf(&c).Elem()
	for _, v := range variables {
		field := fields.FieldByName(v.field)
		if field.CanInt() && v.Max != 0 && !broken[v.Name] && (field.Int() < v.Min || field.Int() > v.Max) {
			problems = append(problems, v.complain(values))
		}
		switch f := field.Addr().Interface().(type) {
		case *Secret:
			f.text.file = files[v.Name]
		case *Text:
			f.file = files[v.Name]
		}
	}
	return c, problems
}

// fromFile reads the value of name from the file at path.
func fromFile(values map[string]string, name, path string) (string, error) {
	if _, both := values[name]; both {
		return "", fmt.Errorf("%[1]s and %[1]s_FILE are both set: set one of them", name)
	}
	value, err := readFile(path)
	if err != nil {
		return "", fmt.Errorf("%s_FILE names a file that cannot be read: %w", name, err)
	}
	if value == "" {
		return "", fmt.Errorf("%s_FILE names %s, which is empty: put the value into it, or unset the variable", name, path)
	}
	return value, nil
}

// blame finds the variable that a problem is about.
func blame(variables []Variable, problem error) (Variable, bool) {
	var parse env.ParseError
	var missing env.VarIsNotSetError
	i := slices.IndexFunc(variables, func(v Variable) bool {
		return errors.As(problem, &parse) && parse.Name == v.field ||
			errors.As(problem, &missing) && missing.Key == v.Name
	})
	if i < 0 {
		return Variable{}, false
	}
	return variables[i], true
}

// complain is the sentence about a variable whose value is missing or wrong.
func (v Variable) complain(values map[string]string) error {
	value, set := values[v.Name]
	switch {
	case !set:
		return fmt.Errorf("%s is not set: it must be %s", v.Name, v.Allowed)
	case v.Secret:
		return fmt.Errorf("%s is wrong (its value is secret): it must be %s", v.Name, v.Allowed)
	default:
		return fmt.Errorf("%s is %q: it must be %s", v.Name, value, v.Allowed)
	}
}
