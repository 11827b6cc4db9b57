//! nginx with TLS and an issuer made for it, answering every request with the
//! same short reply.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use crate::Result;
use crate::server::completion;

/// Serves until it is dropped.
pub struct Nginx {
    child: Child,
    pub url: String,
    /// The certificate to trust, as PEM.
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
        Err("nginx does not listen".into())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // One that has ended already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes the server's certificate and key; gives the file of its issuer's.
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

/// One process, that nothing but its end is needed to end.
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
