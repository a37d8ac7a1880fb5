# Stand-ins for the bases of the product's Dockerfile, for machines that reach no image registry.
# hack/images/bases.sh makes the tarballs from the distribution's packages and from the Go and Node of this machine.
FROM scratch AS go
ADD system.tar.gz /
ADD go.tar /usr/local/
ENV PATH=/usr/local/go/bin:/usr/sbin:/usr/bin:/sbin:/bin GOTOOLCHAIN=local

FROM scratch AS node
ADD system.tar.gz /
ADD node.tar /
ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

FROM scratch AS runtime
ADD runtime.tar /
ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 65532:65532
