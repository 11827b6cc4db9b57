//! An nginx server with TLS and a new issuer, which answers every request with
//! the same short reply.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use crate::server::completion;

/// A running nginx, stopped when dropped.
pub struct Nginx {
    child: Child,
    pub url: String,
    /// The PEM file of the issuer's certificate.
    pub issuer: PathBuf,
}

impl Nginx {
    pub fn start(program: &Path, directory: &Path) -> Result<Self> {
        let issuer = write_certificates(directory)?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let config = directory.join("nginx.conf");
        fs::write(&config, configuration(port))?;
        let child = Command::new(program)
            .args(["-e", "stderr", "-g", "daemon off;", "-p"])
            .arg(directory)
            .arg("-c")
            .arg(&config)
            .spawn()?;
        let nginx = Self { child, url: format!("https://127.0.0.1:{port}"), issuer };
        for _ in 0..100 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(nginx);
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!("nginx does not listen")
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // nginx may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes the server's certificate and key. Returns the file with the issuer's
/// certificate.
fn write_certificates(directory: &Path) -> Result<PathBuf> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "gravix bench issuer");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let params = CertificateParams::new(["127.0.0.1".to_owned()])?;
    fs::write(directory.join("server.pem"), params.signed_by(&key, &issuer)?.pem())?;
    fs::write(directory.join("server.key"), key.serialize_pem())?;
    let path = directory.join("issuer.pem");
    fs::write(&path, issuer.pem())?;
    Ok(path)
}

/// A configuration without worker processes, so that killing nginx ends all of
/// it.
fn configuration(port: u16) -> String {
    let body = completion();
    format!(
        "\
master_process off;
pid nginx.pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate server.pem;
        ssl_certificate_key server.key;
        default_type application/json;
        location / {{ return 200 '{body}'; }}
    }}
}}
"
    )
}
