//! TLS with rustls, and the certificates it trusts.

use std::cell::Cell;
use std::fmt::{self, Debug};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::anyhow;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, InvalidDnsNameError, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{
    ClientConfig, ClientConnection, Error as TlsError, ProtocolVersion, RootCertStore,
    SignatureScheme, StreamOwned,
};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, NextTimeout, Transport, TransportAdapter,
};

use crate::error::Error;
use crate::files::input;
use crate::net::base_url::{without_brackets, without_final_dot};
use crate::net::buffers::GrowingBuffers;
use crate::net::error::into_ureq;
use crate::net::named_certificates::NamedCertificates;
use crate::net::observer::{NetEvent, NetObserver};
use crate::net::timed::is_disconnect;
use crate::net::tls_error::{TlsPeer, handshake_cut, tls_error};

/// The certificates to trust.
#[derive(Debug, Clone)]
pub enum Roots {
    /// Mozilla's certificate authorities, bundled with gravix.
    Mozilla,
    /// Only the certificates of this file.
    Given(PathBuf, Arc<NamedCertificates>),
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
        let pem = input::read(path).map_err(unreadable)?;
        let invalid =
            || Error::Config(anyhow!("{} contains no valid PEM certificates", path.display()));
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let certificates = certificates.map_err(|_| invalid())?;
        match NamedCertificates::new(certificates, provider()) {
            Ok(named) => Ok(Self::Given(path.to_owned(), Arc::new(named))),
            Err(_) => Err(invalid()),
        }
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The time now. That of rustls panics before 1970.
#[derive(Debug)]
struct WallClock;

impl TimeProvider for WallClock {
    fn current_time(&self) -> Option<UnixTime> {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        // No certificate is valid yet at the earliest time.
        Some(UnixTime::since_unix_epoch(since_1970.unwrap_or_default()))
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
            let builder = ClientConfig::builder_with_details(provider(), Arc::new(WallClock))
                .with_safe_default_protocol_versions()
                .expect("ring supports the default versions");
            let builder = match &self.roots {
                Roots::Mozilla => {
                    let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned();
                    builder.with_root_certificates(RootCertStore::from_iter(roots))
                }
                Roots::Given(_, certificates) => builder
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::clone(certificates) as _),
            };
            Arc::new(builder.with_client_cert_resolver(Arc::new(NoCertificate)))
        };
        Arc::clone(self.config.get_or_init(make))
    }

    fn peer(&self, details: &ConnectionDetails) -> TlsPeer {
        let host = details.uri.host().unwrap_or_default();
        let port = details.uri.port_u16().unwrap_or(443);
        let is_tunnelled = details.config.proxy().is_some();
        TlsPeer {
            host: host.to_owned(),
            address: (!is_tunnelled).then(|| format!("{host}:{port}")),
            ca_file: match &self.roots {
                Roots::Mozilla => None,
                Roots::Given(file, _) => Some(file.clone()),
            },
            wants_certificate: false,
        }
    }

    fn handshake(
        &self,
        socket: Box<dyn Transport>,
        peer: &mut TlsPeer,
        details: &ConnectionDetails,
    ) -> Result<TlsStream, ureq::Error> {
        let host = &peer.host;
        let bare = without_final_dot(without_brackets(host)).to_owned();
        let name = ServerName::try_from(bare).map_err(|error: InvalidDnsNameError| {
            into_ureq(Error::Config(anyhow!("{host} is not a valid TLS server name: {error}")))
        })?;
        let mut connection = ClientConnection::new(self.config(), name)
            .map_err(|error| into_ureq(tls_error(&error, peer)))?;
        let mut socket = TransportAdapter::new(socket, Arc::clone(&details.current_time));
        IS_ASKED.set(false);
        let shaken = connection.complete_io(&mut socket);
        peer.wants_certificate = IS_ASKED.get();
        shaken.map_err(|error| match inner_error(&error) {
            Some(error) => into_ureq(tls_error(error, peer)),
            None if is_disconnect(&error) => into_ureq(handshake_cut(peer)),
            None => ureq::Error::from(error),
        })?;
        Ok(StreamOwned::new(connection, socket))
    }
}

fn inner_error(error: &io::Error) -> Option<&TlsError> {
    error.get_ref()?.downcast_ref()
}

thread_local! {
    /// Whether the server asked for a client certificate in the handshake that
    /// this thread made last.
    static IS_ASKED: Cell<bool> = const { Cell::new(false) };
}

/// Has no client certificate, and notes that the server asked for one.
#[derive(Debug)]
struct NoCertificate;

impl ResolvesClientCert for NoCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        IS_ASKED.set(true);
        None
    }

    fn has_certs(&self) -> bool {
        false
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
        let mut peer = self.peer(details);
        let stream = self.handshake(Box::new(socket), &mut peer, details)?;
        if let Some(version) = stream.conn.protocol_version() {
            let version = match version {
                ProtocolVersion::TLSv1_2 => "TLS 1.2",
                _ => "TLS 1.3",
            };
            self.observer.observe(&NetEvent::Secured { host: &peer.host, version });
        }
        let buffers = GrowingBuffers::new(details.config);
        Ok(Some(Either::B(TlsTransport { buffers, stream, peer })))
    }
}

/// A TLS connection.
pub struct TlsTransport {
    buffers: GrowingBuffers,
    stream: TlsStream,
    peer: TlsPeer,
}

type TlsStream = StreamOwned<ClientConnection, TransportAdapter>;

impl TlsTransport {
    /// Puts an error of TLS into words. With TLS 1.3, the server refuses a client
    /// without a certificate only after the handshake.
    fn convert(&self, error: io::Error) -> ureq::Error {
        match inner_error(&error) {
            Some(tls) => {
                let told = tls_error(tls, &self.peer);
                ureq::Error::Io(io::Error::new(error.kind(), told))
            }
            None => error.into(),
        }
    }
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        let written = self.stream.write_all(&self.buffers.output()[..amount]);
        written.map_err(|error| self.convert(error))
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        let read = self.stream.read(self.buffers.input_append_buf());
        let read = read.map_err(|error| self.convert(error))?;
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
