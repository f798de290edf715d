//! Header fields and trailers as mappings.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flare::{Headers, Request};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList, PyMapping, PyString};

use crate::{errors, text};

/// Fields that an answer owns.
pub(crate) type Own = Arc<Mutex<Headers>>;

/// Locks fields. What a panic left is still a list of whole fields.
pub(crate) fn lock(own: &Own) -> MutexGuard<'_, Headers> {
    own.lock().unwrap_or_else(PoisonError::into_inner)
}

type Pairs<'py> = Vec<(Bound<'py, PyString>, Bound<'py, PyString>)>;

enum Fields {
    Request(Request),
    Trailers(Request),
    Own(Own),
}

/// Header fields, or trailers: a mapping whose names have no case, to the first value of each name.
///
/// Values are text of one byte for each character (ISO 8859-1), as everywhere in Python.
#[pyclass(name = "Headers", module = "flare", frozen, subclass, mapping)]
pub(crate) struct PyHeaders {
    fields: Fields,
}

impl PyHeaders {
    pub(crate) fn of_request(request: Request) -> Self {
        Self { fields: Fields::Request(request) }
    }

    pub(crate) fn of_trailers(request: Request) -> Self {
        Self { fields: Fields::Trailers(request) }
    }

    pub(crate) fn owned(fields: Headers) -> Self {
        Self { fields: Fields::Own(Arc::new(Mutex::new(fields))) }
    }

    fn with<T>(&self, then: impl FnOnce(&Headers) -> T) -> T {
        match &self.fields {
            Fields::Request(request) => then(request.headers()),
            Fields::Trailers(request) => then(request.trailers()),
            Fields::Own(own) => then(&lock(own)),
        }
    }

    fn find<'py>(&self, py: Python<'py>, name: &str) -> Option<Bound<'py, PyString>> {
        // Out of the lock first: making a string may run the garbage collector, and that anything.
        match &self.fields {
            Fields::Own(own) => {
                let value = lock(own).get(name).map(<[u8]>::to_vec);
                value.map(|value| text::from_field(py, &value))
            }
            _ => self.with(|fields| fields.get(name).map(|value| text::from_field(py, value))),
        }
    }

    /// Names and values of all fields.
    pub(crate) fn all(&self) -> Vec<(String, Vec<u8>)> {
        self.with(|fields| fields.iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect())
    }

    /// Names and values as strings; with `first`, only the first of each name.
    fn strings<'py>(&self, py: Python<'py>, first: bool) -> Pairs<'py> {
        let list = |fields: &Headers| {
            let mut pairs = Vec::with_capacity(fields.len());
            for (index, (name, value)) in fields.iter().enumerate() {
                if !(first && fields.iter().take(index).any(|(known, _)| known == name)) {
                    pairs.push((PyString::new(py, name), text::from_field(py, value)));
                }
            }
            pairs
        };
        match &self.fields {
            Fields::Request(request) => list(request.headers()),
            Fields::Trailers(request) => list(request.trailers()),
            Fields::Own(own) => {
                // Out of the lock first, as in `find`.
                let copy = lock(own).clone();
                list(&copy)
            }
        }
    }

    /// Names without repetition, in the order of their first field.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        self.with(|fields| {
            for (name, _) in fields.iter() {
                if !names.iter().any(|known| known == name) {
                    names.push(name.to_owned());
                }
            }
        });
        names
    }
}

#[pymethods]
impl PyHeaders {
    /// Fields of a mapping, or of pairs.
    #[new]
    #[pyo3(signature = (fields = None, /))]
    fn new(fields: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let own = Own::default();
        if let Some(fields) = fields {
            extend(&own, fields)?;
        }
        Ok(Self { fields: Fields::Own(own) })
    }

    fn __getitem__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyString>> {
        self.find(py, name).ok_or_else(|| PyKeyError::new_err(name.to_owned()))
    }

    fn __contains__(&self, name: &Bound<'_, PyAny>) -> bool {
        let name = name.cast::<PyString>().ok().and_then(|name| name.to_str().ok());
        name.is_some_and(|name| self.with(|fields| fields.get(name).is_some()))
    }

    fn __len__(&self) -> usize {
        self.names().len()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        PyList::new(py, self.names())?.try_iter()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Headers({})", self.pairs(py)?.repr()?))
    }

    fn __eq__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        if let Ok(other) = other.cast::<PyHeaders>() {
            let mut both = [self.all(), other.get().all()];
            both.iter_mut().for_each(|fields| fields.sort());
            let [own, others] = both;
            return Ok((own == others).into_pyobject(py)?.to_owned().into_any().unbind());
        }
        Ok(py.NotImplemented())
    }

    /// The first value of a name, or the default.
    #[pyo3(signature = (name, default = None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        default: Option<Bound<'py, PyAny>>,
    ) -> Option<Bound<'py, PyAny>> {
        self.find(py, name).map(Bound::into_any).or(default)
    }

    /// All values of a name, in order; none when it is not there.
    fn getall<'py>(&self, py: Python<'py>, name: &str) -> Vec<Bound<'py, PyString>> {
        let values: Vec<Vec<u8>> = self.with(|fields| fields.get_all(name).map(<[u8]>::to_vec).collect());
        values.iter().map(|value| text::from_field(py, value)).collect()
    }

    /// The names, in lower case, each once.
    fn keys(&self) -> Vec<String> {
        self.names()
    }

    /// The first value of each name.
    fn values<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyString>> {
        self.strings(py, true).into_iter().map(|(_, value)| value).collect()
    }

    /// Each name with its first value.
    fn items<'py>(&self, py: Python<'py>) -> Pairs<'py> {
        self.strings(py, true)
    }

    /// All names, in lower case, and values, in order.
    fn pairs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.strings(py, false))
    }
}

/// The header fields of an answer, or its trailers, which can be changed.
#[pyclass(name = "MutableHeaders", module = "flare", frozen, extends = PyHeaders, mapping)]
pub(crate) struct PyMutableHeaders {
    own: Own,
}

impl PyMutableHeaders {
    pub(crate) fn of(py: Python<'_>, own: &Own) -> PyResult<Py<Self>> {
        let base = PyHeaders { fields: Fields::Own(Arc::clone(own)) };
        Py::new(py, PyClassInitializer::from(base).add_subclass(Self { own: Arc::clone(own) }))
    }
}

/// Adds a field behind the others.
pub(crate) fn add(own: &Own, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    text::with_field(value, |value| lock(own).append(name, value))?
        .map_err(|error| errors::from_field(name, &error))
}

/// Puts a field in the place of all others of its name.
fn set(own: &Own, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    text::with_field(value, |value| lock(own).set(name, value))?
        .map_err(|error| errors::from_field(name, &error))
}

/// Adds what a program gives as fields: a mapping, or pairs.
pub(crate) fn extend(own: &Own, fields: &Bound<'_, PyAny>) -> PyResult<()> {
    if let Ok(headers) = fields.cast::<PyHeaders>() {
        for (name, value) in headers.get().all() {
            lock(own).append(&name, value).map_err(|error| errors::from_field(&name, &error))?;
        }
        return Ok(());
    }
    if let Ok(dict) = fields.cast::<PyDict>() {
        for (name, value) in dict {
            add(own, name.cast::<PyString>()?.to_str()?, &value)?;
        }
        return Ok(());
    }
    let pairs = match fields.cast::<PyMapping>() {
        Ok(mapping) => mapping.items()?.into_any(),
        Err(_) => fields.clone(),
    };
    for pair in pairs.try_iter()? {
        let (name, value): (Bound<'_, PyString>, Bound<'_, PyAny>) = pair?.extract()?;
        add(own, name.to_str()?, &value)?;
    }
    Ok(())
}

#[pymethods]
impl PyMutableHeaders {
    /// Puts a field in the place of all others of its name.
    fn __setitem__(&self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        set(&self.own, name, value)
    }

    fn __delitem__(&self, name: &str) -> PyResult<()> {
        match lock(&self.own).remove(name) {
            0 => Err(PyKeyError::new_err(name.to_owned())),
            _ => Ok(()),
        }
    }

    /// Adds a field behind the others, also of the same name. ValueError when it can't be sent.
    fn add(&self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        add(&self.own, name, value)
    }

    /// The first value of a name; when there is none, a field is added.
    fn setdefault<'py>(
        slf: &Bound<'py, Self>,
        name: &str,
        default: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match slf.as_super().get().find(slf.py(), name) {
            Some(value) => Ok(value.into_any()),
            None => set(&slf.get().own, name, default).map(|()| default.clone()),
        }
    }

    /// Takes a field out: all of its name, of which the first value comes back.
    #[pyo3(signature = (name, *default))]
    fn pop<'py>(
        slf: &Bound<'py, Self>,
        name: &str,
        default: Vec<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let found = slf.as_super().get().find(slf.py(), name);
        lock(&slf.get().own).remove(name);
        let found = found.map(Bound::into_any).or_else(|| default.into_iter().next());
        found.ok_or_else(|| PyKeyError::new_err(name.to_owned()))
    }

    /// Takes the last field out.
    fn popitem<'py>(slf: &Bound<'py, Self>) -> PyResult<(String, Bound<'py, PyAny>)> {
        let name = slf.as_super().get().names().pop();
        let name = name.ok_or_else(|| PyKeyError::new_err("there are no fields"))?;
        let value = Self::pop(slf, &name, Vec::new())?;
        Ok((name, value))
    }

    /// Puts fields in the place of all others of their names.
    #[pyo3(signature = (fields = None, /, **more))]
    fn update(&self, fields: Option<&Bound<'_, PyAny>>, more: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
        let new = Own::default();
        for given in fields.into_iter().chain(more.map(|more| more.as_any())) {
            extend(&new, given)?;
        }
        let new = std::mem::take(&mut *lock(&new));
        let mut own = lock(&self.own);
        for (name, _) in new.iter() {
            own.remove(name);
        }
        for (name, value) in new.iter() {
            own.append(name, value).map_err(|error| errors::from_field(name, &error))?;
        }
        Ok(())
    }

    /// Takes all fields out.
    fn clear(&self) {
        lock(&self.own).clear();
    }
}

/// Tells Python that these are mappings.
pub(crate) fn register(py: Python<'_>) -> PyResult<()> {
    let abc = py.import("collections.abc")?;
    abc.getattr("Mapping")?.call_method1("register", (py.get_type::<PyHeaders>(),))?;
    abc.getattr("MutableMapping")?.call_method1("register", (py.get_type::<PyMutableHeaders>(),))?;
    Ok(())
}
