//! A server that speaks TLS, with certificates made for the test.

use std::io::{Read, Write};
use std::sync::Arc;
use std::thread;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

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

/// A server whose certificate is signed by itself.
pub struct SelfSigned {
    pub port: u16,
    pub pem: String,
}

impl SelfSigned {
    /// Serves `answer` with a certificate for `host`. It is also a certificate
    /// authority, as those that openssl makes are.
    pub fn serve(host: &str, is_expired: bool, answer: &str) -> Self {
        let mut params = params(host, is_expired);
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
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the default TLS versions are supported")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("the key matches the certificate");
    accept(Arc::new(config), answer.to_owned())
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
