//! TLS: from what Python says to the settings of the core, and what was agreed on a connection.

use std::path::PathBuf;
use std::sync::Arc;

use flare::Request;
use flare::message::TlsSession;
use flare::tls::{
    Choice, ClientTls, ConfigError, Hello, Identity, LoadedIdentity, Resolver, ServerTls, Source,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::inside::Inside;
use crate::{errors, names};

/// Certificates and settings as `Tls._given()` makes them.
#[derive(FromPyObject)]
pub(crate) struct Given {
    /// Chain and key of each identity, the default one first.
    #[pyo3(item)]
    identities: Vec<(Pem, Pem)>,
    /// Asked first in each handshake: `resolver(server_name)`.
    #[pyo3(item)]
    resolver: Option<Py<PyAny>>,
    /// Names and values under the names of the core, in the order in which they are set.
    #[pyo3(item)]
    settings: Vec<(String, Value)>,
}

/// Where certificates or a key come from.
#[derive(FromPyObject)]
enum Pem {
    /// What would be in a file.
    Content(Vec<u8>),
    /// A file, which is read again on each reload.
    Path(PathBuf),
}

#[derive(FromPyObject)]
enum Value {
    Text(String),
    Number(i64),
}

impl From<Pem> for Source {
    fn from(pem: Pem) -> Self {
        match pem {
            Pem::Content(content) => Self::bytes(content),
            Pem::Path(path) => Self::file(path),
        }
    }
}

impl Given {
    pub(crate) fn settings(self) -> Result<ServerTls, ConfigError> {
        let identities = self.identities.into_iter();
        let identities = identities.map(|(chain, key)| Identity::new(chain.into(), key.into())).collect();
        let mut tls = ServerTls::with_identities(identities);
        tls.resolver = self.resolver.map(|resolver| Resolver::new(move |hello| choose(&resolver, hello)));
        for (name, value) in self.settings {
            match value {
                Value::Text(text) => tls.set_text(&name, &text)?,
                Value::Number(number) => tls.set_number(&name, number)?,
            }
        }
        Ok(tls)
    }
}

/// The identity that a function of Python chooses. What it raises refuses the client. Called on the worker.
fn choose(resolver: &Py<PyAny>, hello: Hello<'_>) -> Choice {
    let _inside = Inside::enter();
    // None: Python is about to end.
    Python::try_attach(|py| {
        let chosen = resolver.bind(py).call1((hello.server_name,)).and_then(|chosen| {
            let chosen: Option<PyRef<'_, PyIdentity>> = chosen.extract()?;
            Ok(Choice::from(chosen.map(|chosen| Arc::clone(&chosen.identity))))
        });
        chosen.unwrap_or_else(|error| {
            let told = names::RESOLVER_FAILED
                .get(py)
                .and_then(|failed| failed.call1((hello.server_name, error.into_value(py))));
            if let Err(error) = told {
                error.write_unraisable(py, None);
            }
            Choice::Refuse
        })
    })
    .unwrap_or(Choice::Refuse)
}

/// A certificate and its key, read and checked: what a resolver of `Tls` gives.
///
/// certificate, key: as for `Tls`. Files are read now, and not again. ValueError says which file and block is wrong.
#[pyclass(name = "Identity", module = "flare.tls", frozen)]
pub(crate) struct PyIdentity {
    identity: Arc<LoadedIdentity>,
}

#[pymethods]
impl PyIdentity {
    #[new]
    #[pyo3(signature = (certificate, key = None))]
    fn new(py: Python<'_>, certificate: &Bound<'_, PyAny>, key: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let chain = Pem::extract(certificate.as_borrowed())?;
        let key = Pem::extract(key.unwrap_or(certificate).as_borrowed())?;
        let identity = Identity::new(chain.into(), key.into());
        let loaded = py.detach(|| identity.load()).map_err(|error| errors::from_core(error.into()))?;
        Ok(Self { identity: Arc::new(loaded) })
    }
}

/// Settings of a client as `ClientTls._given()` makes them.
#[derive(FromPyObject)]
pub(crate) struct GivenClient {
    #[pyo3(item)]
    roots: Vec<Pem>,
    #[pyo3(item)]
    revocation_lists: Vec<Pem>,
    /// Chain and key of who the client is.
    #[pyo3(item)]
    identity: Option<(Pem, Pem)>,
    #[pyo3(item)]
    settings: Vec<(String, Value)>,
}

impl GivenClient {
    pub(crate) fn settings(self) -> Result<ClientTls, ConfigError> {
        let mut tls = ClientTls::default();
        for (name, value) in self.settings {
            match value {
                Value::Text(text) => tls.set_text(&name, &text)?,
                Value::Number(number) => tls.set_number(&name, number)?,
            }
        }
        for roots in self.roots {
            tls.add_roots(roots.into());
        }
        tls.revocation_lists.extend(self.revocation_lists.into_iter().map(Source::from));
        tls.identity = self.identity.map(|(chain, key)| Identity::new(chain.into(), key.into()));
        Ok(tls)
    }
}

/// Reads all files and says what is wrong.
#[pyfunction]
pub(crate) fn check_tls(given: Given) -> PyResult<()> {
    let checked = given.settings().and_then(|tls| tls.validate());
    checked.map_err(|error| errors::from_core(error.into()))
}

/// A new certificate for these names that nobody believes, and its key, as PEM.
#[pyfunction]
pub(crate) fn self_signed<'py>(
    py: Python<'py>,
    names: Vec<String>,
) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let made = Identity::self_signed(&names).map_err(|error| PyValueError::new_err(error.to_string()))?;
    let bytes = |source: &Source| match source {
        Source::Bytes(bytes) => Ok(PyBytes::new(py, bytes)),
        // Nothing was written.
        Source::File(path) => Err(PyValueError::new_err(path.display().to_string())),
    };
    Ok((bytes(&made.chain)?, bytes(&made.key)?))
}

/// What was agreed on a connection that is encrypted.
#[pyclass(name = "TlsSession", module = "flare", frozen)]
pub(crate) struct PyTlsSession {
    /// Keeps the session.
    request: Request,
}

impl PyTlsSession {
    /// None: the connection is not encrypted.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        request.tls()?;
        Some(Self { request: request.clone() })
    }

    fn session(&self) -> Option<&TlsSession> {
        self.request.tls()
    }
}

#[pymethods]
impl PyTlsSession {
    /// "TLSv1.2" or "TLSv1.3".
    #[getter]
    fn version(&self) -> &'static str {
        self.session().map_or("", |session| session.version().name())
    }

    /// The cipher suite by its name in the IANA registry, such as "TLS_AES_256_GCM_SHA384".
    #[getter]
    fn suite(&self) -> &'static str {
        self.session().map_or("", TlsSession::suite)
    }

    /// The name that the client asked for (SNI), in lower case; None when it asked for none.
    #[getter]
    fn server_name(&self) -> Option<&str> {
        self.session()?.server_name()
    }

    /// The application protocol (ALPN), such as "h2"; None when none was agreed.
    #[getter]
    fn alpn(&self) -> Option<String> {
        Some(String::from_utf8_lossy(self.session()?.alpn()?).into_owned())
    }

    /// The certificate that the client showed, as DER, checked; None when it showed none.
    #[getter]
    fn peer_certificate<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        Some(PyBytes::new(py, self.session()?.peer_certificate()?))
    }

    /// All certificates that the client showed, as DER, its own first.
    #[getter]
    fn peer_certificates<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyBytes>> {
        let session = self.session();
        session.map_or_else(Vec::new, |session| {
            session.peer_certificates().map(|der| PyBytes::new(py, der)).collect()
        })
    }

    /// Whether the client came back with a session of an earlier connection.
    #[getter]
    fn resumed(&self) -> bool {
        self.session().is_some_and(TlsSession::is_resumed)
    }

    fn __repr__<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, &format!("<flare.TlsSession {} {}>", self.version(), self.suite()))
    }
}
