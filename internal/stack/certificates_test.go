package stack_test

import (
	"testing"
	"time"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/stack"
)

func TestOnlyMembersThatTakeANewCertificateUpGetOneThatExpiresSoon(t *testing.T) {
	for name, test := range map[string]struct {
		image   string
		rotates bool
		want    time.Duration
	}{
		"5.0":                  {"mongo:5.0.4", true, stack.CertificateLifetime},
		"8.0":                  {"mongo:8.0.4", true, stack.CertificateLifetime},
		"4.4 needs a restart":  {"mongo:4.4.29", true, stack.UnrotatedLifetime},
		"nobody knows":         {"mongo:latest", true, stack.UnrotatedLifetime},
		"an agent of long ago": {"mongo:6.0.5", false, stack.UnrotatedLifetime},
	} {
		t.Run(name, func(t *testing.T) {
			objects := build(v1alpha1.ChatPDFDeploymentSpec{}, func(in *stack.Input) {
				in.Release.Database.Image, in.Release.Database.Rotates = test.image, test.rotates
			})
			for _, recipe := range objects.Secrets {
				if certificate, is := recipe.Recipe.(stack.Certificate); is && certificate.Lifetime != test.want {
					t.Errorf("it lives for %s, want %s", certificate.Lifetime, test.want)
				}
			}
		})
	}
}

func TestACertificateIsMadeAnewWhenHalfOfItsLifeIsOver(t *testing.T) {
	made := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	objects := build(v1alpha1.ChatPDFDeploymentSpec{}, nil)
	recipe := certificateRecipe(t, objects)
	names := recipe.DNSNames
	fresh := stack.LiveCertificate{NotBefore: made, NotAfter: made.Add(stack.CertificateLifetime), DNSNames: names, Ours: true}
	for name, test := range map[string]struct {
		change func(*stack.LiveCertificate)
		after  time.Duration
		due    bool
	}{
		"new":                          {nil, 0, false},
		"before half of its life":      {nil, 44 * 24 * time.Hour, false},
		"after half of its life":       {nil, 45 * 24 * time.Hour, true},
		"expired":                      {nil, 365 * 24 * time.Hour, true},
		"somebody else's":              {func(c *stack.LiveCertificate) { c.Ours = false }, 365 * 24 * time.Hour, false},
		"a name is missing":            {func(c *stack.LiveCertificate) { c.DNSNames = names[1:] }, 0, true},
		"more names than it has to":    {func(c *stack.LiveCertificate) { c.DNSNames = append([]string{"other"}, names...) }, 0, false},
		"of the time without renewals": {func(c *stack.LiveCertificate) { c.NotAfter = made.AddDate(20, 0, 0) }, 365 * 24 * time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			live := fresh
			if test.change != nil {
				test.change(&live)
			}
			if due := recipe.Due(live, made.Add(test.after)); due != test.due {
				t.Errorf("due: %v, want %v", due, test.due)
			}
		})
	}
}
