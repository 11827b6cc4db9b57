//! TLS with rustls, and the root certificates it trusts.

use std::fmt::{self, Debug};
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use anyhow::anyhow;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, InvalidDnsNameError, ServerName};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, Error as TlsError, InvalidMessage,
    RootCertStore, StreamOwned,
};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
    TransportAdapter,
};

use crate::error::{Error, NetworkError};
use crate::net::base_url::without_brackets;
use crate::net::error::into_ureq;
use crate::net::observer::{NetEvent, NetObserver};

/// The certificate authorities to trust.
#[derive(Debug, Clone)]
pub enum Roots {
    /// Mozilla's, bundled with gravix.
    Mozilla,
    /// Only the certificates of a file; never empty.
    Given(Vec<CertificateDer<'static>>),
}

impl Roots {
    /// Loads the certificates of a PEM file; without a file, uses the bundled
    /// roots.
    ///
    /// # Errors
    /// [`Error::Unreadable`] if the file cannot be read, [`Error::Config`] if it
    /// contains no certificates or a malformed one.
    pub fn load(file: Option<&Path>) -> Result<Self, Error> {
        let Some(path) = file else {
            return Ok(Self::Mozilla);
        };
        let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
        let pem = fs::read(path).map_err(unreadable)?;
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        match certificates {
            Ok(certificates) if !certificates.is_empty() => Ok(Self::Given(certificates)),
            _ => {
                Err(Error::Config(anyhow!("{} contains no valid PEM certificates", path.display())))
            }
        }
    }
}

/// Wraps a connection in TLS if the URL is `https`. The rustls configuration is
/// built for the first such connection.
#[derive(Clone)]
pub struct TlsConnector {
    roots: Roots,
    observer: Arc<dyn NetObserver>,
    config: Arc<OnceLock<Arc<ClientConfig>>>,
}

impl TlsConnector {
    pub fn new(roots: Roots, observer: Arc<dyn NetObserver>) -> Self {
        Self { roots, observer, config: Arc::default() }
    }

    fn config(&self) -> Arc<ClientConfig> {
        let make = || {
            let mut store = RootCertStore::empty();
            match &self.roots {
                Roots::Mozilla => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
                Roots::Given(certificates) => {
                    store.add_parsable_certificates(certificates.iter().cloned());
                }
            }
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .expect("ring supports the default versions")
                .with_root_certificates(store)
                .with_no_client_auth();
            Arc::new(config)
        };
        Arc::clone(self.config.get_or_init(make))
    }

    fn handshake(
        &self,
        socket: Box<dyn Transport>,
        host: &str,
        details: &ConnectionDetails,
    ) -> Result<StreamOwned<ClientConnection, TransportAdapter>, ureq::Error> {
        let bare = without_brackets(host).to_owned();
        let name = ServerName::try_from(bare).map_err(|error: InvalidDnsNameError| {
            into_ureq(Error::Config(anyhow!("{host} is not a valid TLS server name: {error}")))
        })?;
        let convert = |error| into_ureq(handshake_error(error, host));
        let mut connection = ClientConnection::new(self.config(), name).map_err(convert)?;
        let mut socket = TransportAdapter::new(socket, Arc::clone(&details.current_time));
        connection.complete_io(&mut socket).map_err(|error| {
            match error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) {
                Some(error) => convert(error.clone()),
                None => ureq::Error::from(error),
            }
        })?;
        Ok(StreamOwned::new(connection, socket))
    }
}

impl Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsConnector")
    }
}

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = Either<In, TlsTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let Some(socket) = chained else {
            return Ok(None);
        };
        if !details.needs_tls() {
            return Ok(Some(Either::A(socket)));
        }
        let host = details.uri.host().unwrap_or_default();
        let stream = self.handshake(Box::new(socket), host, details)?;
        if let Some(version) = stream.conn.protocol_version() {
            let version = format_args!("{version:?}");
            self.observer.observe(&NetEvent::Secured { host, version });
        }
        let buffers = LazyBuffers::new(
            details.config.input_buffer_size(),
            details.config.output_buffer_size(),
        );
        Ok(Some(Either::B(TlsTransport { buffers, stream })))
    }
}

/// A TLS connection.
pub struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        Ok(self.stream.write_all(&self.buffers.output()[..amount])?)
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        let read = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.get_mut().get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl Debug for TlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsTransport")
    }
}

/// Converts an error of the handshake: an untrusted certificate, or any other.
fn handshake_error(error: TlsError, host: &str) -> Error {
    let TlsError::InvalidCertificate(certificate_error) = &error else {
        return match error {
            TlsError::InvalidMessage(InvalidMessage::InvalidContentType) => Error::Protocol(
                format!("{host} does not speak TLS on this port; it may be an http:// server"),
            ),
            other => {
                let reason = other.to_string();
                NetworkError::Tls { host: host.to_owned(), reason }.into()
            }
        };
    };
    let reason = match certificate_error {
        CertificateError::UnknownIssuer => "its issuer is unknown".to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another host".to_owned()
        }
        other => other.to_string(),
    };
    let is_unknown_issuer = matches!(certificate_error, CertificateError::UnknownIssuer);
    Error::Certificate { host: host.to_owned(), reason, is_unknown_issuer }
}
