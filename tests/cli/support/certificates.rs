//! A server that speaks TLS, with certificates made for the test.

use std::io::{Read, Write};
use std::sync::Arc;
use std::thread;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
};

use super::server::{listen_on_loopback, receive};

/// A certificate authority made for a test.
pub struct Issuer(CertifiedIssuer<'static, KeyPair>);

impl Issuer {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "gravix test issuer");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("the key is generated");
        Self(CertifiedIssuer::self_signed(params, key).expect("the certificate is signed"))
    }

    /// The issuer's own certificate.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// Serves `answer` to each client with a certificate for `host`, and
    /// returns the port.
    pub fn serve(&self, host: &str, is_expired: bool, answer: &str) -> u16 {
        let params = params(host, is_expired);
        let key = KeyPair::generate().expect("the key is generated");
        let certificate = params.signed_by(&key, &self.0).expect("the certificate is signed");
        serve(&certificate, &key, answer)
    }
}

impl Issuer {
    /// Like [`Self::serve`], but the server demands a certificate of the client,
    /// and speaks only this version of TLS.
    pub fn serve_with_client_certificates(
        &self,
        version: &'static SupportedProtocolVersion,
    ) -> u16 {
        let key = KeyPair::generate().expect("the key is generated");
        let certificate =
            params("localhost", false).signed_by(&key, &self.0).expect("the certificate is signed");
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("the issuer is a root");
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .expect("the verifier is built");
        let config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[version])
            .expect("the TLS version is supported")
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate.der().clone()], private(&key))
            .expect("the key matches the certificate");
        accept(Arc::new(config), String::new())
    }
}

/// A server whose certificate is signed by itself.
pub struct SelfSigned {
    pub port: u16,
    pub pem: String,
}

impl SelfSigned {
    /// Serves `answer` with a certificate for `host`. It is also a certificate
    /// authority, as those that openssl makes are.
    pub fn serve(host: &str, is_expired: bool, answer: &str) -> Self {
        Self::serve_with(params(host, is_expired), answer)
    }

    /// Serves with a certificate that has only a common name, as plain `openssl
    /// req -x509` makes it.
    pub fn serve_nameless() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "localhost");
        Self::serve_with(params, "")
    }

    fn serve_with(mut params: CertificateParams, answer: &str) -> Self {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("the key is generated");
        let certificate = params.self_signed(&key).expect("the certificate is signed");
        Self { port: serve(&certificate, &key, answer), pem: certificate.pem() }
    }
}

fn params(host: &str, is_expired: bool) -> CertificateParams {
    let mut params = CertificateParams::new([host.to_owned()]).expect("the host name is valid");
    if is_expired {
        params.not_before = rcgen::date_time_ymd(2000, 1, 1);
        params.not_after = rcgen::date_time_ymd(2001, 1, 1);
    }
    params
}

fn serve(certificate: &Certificate, key: &KeyPair, answer: &str) -> u16 {
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the default TLS versions are supported")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private(key))
        .expect("the key matches the certificate");
    accept(Arc::new(config), answer.to_owned())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()))
}

fn accept(config: Arc<ServerConfig>, answer: String) -> u16 {
    let (listener, port) = listen_on_loopback();
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let session =
                ServerConnection::new(Arc::clone(&config)).expect("the TLS session is created");
            let mut stream = StreamOwned::new(session, connection);
            // A client that does not trust the certificate closes here.
            if receive(&mut stream).is_ok() {
                let _ = stream.write_all(answer.as_bytes());
                stream.conn.send_close_notify();
                let _ = stream.flush();
                let _ = stream.read(&mut [0]);
            }
        }
    });
    port
}
