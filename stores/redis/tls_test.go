// SPDX-License-Identifier: MIT

package redis_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/testserver"
	"github.com/holdover-go/holdover/stores/redis"
)

// certificate writes one for 127.0.0.1, signed by itself, and its key.
func certificate(t *testing.T) (cert *x509.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return file
	}
	return cert, write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", keyDER)
}

func TestTLS(t *testing.T) {
	cert, certFile, keyFile := certificate(t)
	port := freePort(t)
	server := testserver.Redis(t, "--tls-port", port, "--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-auth-clients", "no")
	addr := net.JoinHostPort("127.0.0.1", port)
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	e := entry(t, "tls", noise(1<<20))

	s := open(t, rueidis.ClientOption{InitAddress: []string{addr}, TLSConfig: &tls.Config{RootCAs: roots}})
	require.NoError(t, s.Set(t.Context(), e.Key(), e))
	expect(t, s, e)
	server.Restart()
	require.Eventually(t, func() bool { return s.Set(t.Context(), e.Key(), e) == nil }, 10*time.Second, time.Millisecond)

	distrustful, err := redis.OpenURL("rediss://"+addr, cfg)
	require.NoError(t, err)
	defer distrustful.Close()
	_, err = distrustful.Get(t.Context(), e.Key())
	require.ErrorContains(t, err, "certificate")
}
