package stack

import (
	"cmp"

	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
)

// The kind by which cert-manager is asked for a certificate (https://cert-manager.io/docs/reference/api-docs/).
const (
	IssuedGroup   = "cert-manager.io"
	IssuedVersion = "v1"
	IssuedKind    = "Certificate"

	issuedKeyBits = 256
	// issuedCommonName is as long as a common name may be (RFC 5280, appendix A).
	issuedCommonName = 64
)

// IssuedCertificate is a Certificate of cert-manager, as far as the operator sets it: cert-manager's own types would bring
// its whole module along.
type IssuedCertificate struct {
	metav1ac.TypeMetaApplyConfiguration    `json:",inline"`
	*metav1ac.ObjectMetaApplyConfiguration `json:"metadata,omitempty"`

	Spec IssuedCertificateSpec `json:"spec"`
}

// IssuedCertificateSpec is what is asked for. What is left out is the issuer's choice, its life among it.
type IssuedCertificateSpec struct {
	SecretName string           `json:"secretName"`
	CommonName string           `json:"commonName"`
	DNSNames   []string         `json:"dnsNames"`
	Usages     []string         `json:"usages"`
	PrivateKey IssuedPrivateKey `json:"privateKey"`
	IssuerRef  IssuedBy         `json:"issuerRef"`
}

// IssuedPrivateKey is what key is made for the certificate.
type IssuedPrivateKey struct {
	Algorithm      string `json:"algorithm"`
	Size           int64  `json:"size"`
	RotationPolicy string `json:"rotationPolicy"`
}

// IssuedBy is the issuer.
type IssuedBy struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`
	Group string `json:"group"`
}

// IsApplyConfiguration marks it as one.
func (IssuedCertificate) IsApplyConfiguration() {}

// issuedCertificates is the one that the spec asks for, with the names of the one that the operator would make.
func issuedCertificates(in Input, recipes []SecretRecipe) []*IssuedCertificate {
	d, names := in.Deployment, NamesOf(in.Deployment.Name)
	issuer := d.Spec.MongoDB.TLS.IssuerRef
	if issuer == nil {
		return nil
	}
	for _, recipe := range recipes {
		certificate, ok := recipe.Recipe.(Certificate)
		if !ok {
			continue
		}
		issued := &IssuedCertificate{ObjectMetaApplyConfiguration: metav1ac.ObjectMeta()}
		issued.WithAPIVersion(IssuedGroup + "/" + IssuedVersion).WithKind(IssuedKind)
		issued.WithName(names.Issued).WithNamespace(d.Namespace).WithLabels(Labels(d.Name, ComponentMongoDB)).WithOwnerReferences(owner(in.Owner))
		issued.Spec = IssuedCertificateSpec{
			SecretName: names.IssuedSecret,
			CommonName: certificate.CommonName[:min(len(certificate.CommonName), issuedCommonName)],
			DNSNames:   certificate.DNSNames,
			Usages:     []string{"digital signature", "server auth", "client auth"},
			PrivateKey: IssuedPrivateKey{Algorithm: "ECDSA", Size: issuedKeyBits, RotationPolicy: "Always"},
			IssuerRef:  IssuedBy{Name: issuer.Name, Kind: cmp.Or(issuer.Kind, "Issuer"), Group: cmp.Or(issuer.Group, IssuedGroup)},
		}
		return []*IssuedCertificate{issued}
	}
	return nil
}
