package release

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// Content is what one release is made of, as JSON in a ControllerRevision's data.
type Content struct {
	// ClusterDomain is the DNS domain that the members' host names were made with. It stays for
	// good: a member that changes its name is another member.
	ClusterDomain string   `json:"clusterDomain"`
	App           App      `json:"app"`
	Database      Database `json:"database"`
}

// App is the application's part of a release.
type App struct {
	// Inputs is the digest of the spec that shapes the templates.
	Inputs   string                                      `json:"inputs"`
	Image    string                                      `json:"image"`
	Backend  *corev1ac.PodTemplateSpecApplyConfiguration `json:"backend"`
	Frontend *corev1ac.PodTemplateSpecApplyConfiguration `json:"frontend"`
}

// Database is MongoDB's part of a release.
type Database struct {
	// Inputs is the digest of the spec that shapes the template.
	Inputs string `json:"inputs"`
	Image  string `json:"image"`
	// Rotates says that the agent of this template has mongod read a new certificate.
	Rotates bool `json:"rotates,omitempty"`
	// ImageByDefault says that the spec named no image.
	ImageByDefault bool                                        `json:"imageByDefault,omitempty"`
	Template       *corev1ac.PodTemplateSpecApplyConfiguration `json:"template"`
	// GoneBack says that the spec asks for another template, which did not start; nil if it runs what
	// the spec asks for.
	GoneBack *GoneBack `json:"goneBack,omitempty"`
}

// GoneBack is what was tried in vain.
type GoneBack struct {
	// Image of mongod that it was tried with.
	Image string `json:"image"`
	// Because is a sentence that says what happened.
	Because string `json:"because"`
}

// Release is one accepted release.
type Release struct {
	// Name of the ControllerRevision.
	Name string
	// Revision counts from 1; the highest runs.
	Revision int64
	// Proven says that the database has run well with this release at some time.
	Proven  bool
	Content Content
}

// Digest is a short digest of anything that marshals to JSON.
func Digest(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("digest of %T: %v", v, err)) // only types that cannot be JSON at all come here
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:5])
}

// ImageFor is the database image to render the next template with: what the spec names, else what
// was accepted while the spec named none, else what this operator was tested with.
func (accepted Database) ImageFor(specImage, defaultImage string) string {
	switch {
	case specImage != "":
		return specImage
	case accepted.ImageByDefault && accepted.Image != "":
		return accepted.Image
	}
	return defaultImage
}
