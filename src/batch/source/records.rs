//! The input of a batch: a file, or standard input.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::batch::source::invalid_request::InvalidRequest;
use crate::batch::source::read_options::ReadOptions;
use crate::batch::source::record::{
    InputBytes, Place, ReadError, Record, RecordKind, RecordReader,
};
use crate::batch::source::request_line::RequestLine;
use crate::batch::source::selection::{SampleSize, Sampler};
use crate::batch::table::cells::Cells;
use crate::batch::table::columns::ColumnNames;
use crate::batch::table::row_format::RowFormat;
use crate::error::{Error, NotText, Result, TextOrigin};
use crate::files::interrupted::uninterrupted;
use crate::files::lines::Separator;
use crate::files::{input, text};

/// How much of a pipe is copied at once.
const COPY_BLOCK: usize = 128 << 10;

/// What is said of requests that have changed since they were done.
pub(super) const CHANGED: &str = "but with another prompt, model or other field";

/// What can be done about requests that have changed. `id` is that of one of them.
pub(super) fn changed_hint(place: Place, id: &str) -> String {
    let hint = "send them again with --changed redo, or keep the old results with --changed keep";
    match id == place.number.to_string() {
        true => format!(
            "{hint}, but only if no {noun} was added, removed or moved: their ids are the numbers of the {noun}s",
            noun = place.noun()
        ),
        false => hint.to_owned(),
    }
}

/// The input of a batch: a file or standard input.
#[derive(Clone)]
pub struct Records {
    file: Arc<File>,
    /// For messages.
    path: PathBuf,
    origin: TextOrigin,
    /// The offset at which it starts, if it can be read twice.
    start: Option<u64>,
    /// In bytes; what is appended later is not read.
    length: u64,
}

impl Records {
    /// Opens a file, or standard input.
    ///
    /// # Errors
    /// [`Error::Unreadable`] if it cannot be opened, or is a directory or an
    /// endless device.
    pub fn open(path: Option<&Path>) -> Result<Self> {
        let (opened, origin) = match path {
            Some(path) => (File::open(path), TextOrigin::File(path.to_owned())),
            None => {
                let stdin = io::stdin().as_fd().try_clone_to_owned();
                (stdin.map(File::from), TextOrigin::StandardInput)
            }
        };
        let path = path.map_or_else(|| PathBuf::from(origin.to_string()), Path::to_owned);
        let unreadable = |source| Error::Unreadable { path: path.clone(), source };
        let file = opened.map_err(unreadable)?;
        input::ensure_readable(&file).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let records =
            Self { file: file.into(), path: path.clone(), origin, start: None, length: u64::MAX };
        match metadata.is_file() {
            true => records.bounded(),
            false => Ok(records),
        }
    }

    /// The rest of a regular file. The next program that shares it starts behind that.
    fn bounded(mut self) -> Result<Self> {
        let start = (&*self.file).stream_position().map_err(|error| self.unreadable(error))?;
        let end = self.file.metadata().map_err(|error| self.unreadable(error))?.len();
        self.start = Some(start);
        // Some files of the system have no length until they are read.
        if end > 0 {
            self.length = end.saturating_sub(start);
            let end = SeekFrom::Start(end);
            (&*self.file).seek(end).map_err(|error| self.unreadable(error))?;
        }
        Ok(self)
    }

    /// The same input, to be read more than once: what comes from a pipe is read to its
    /// end first, into a file without a name.
    ///
    /// # Errors
    /// [`Error::Unreadable`], and [`Error::Unwritable`] if the file cannot be written.
    pub fn rereadable(mut self) -> Result<Self> {
        if self.is_rereadable() {
            return Ok(self);
        }
        let directory = std::env::temp_dir();
        let unwritable = |source| Error::Unwritable { path: directory.clone(), source };
        let mut copy = tempfile::tempfile_in(&directory).map_err(unwritable)?;
        let mut block = vec![0; COPY_BLOCK];
        loop {
            let read = uninterrupted(|| (&*self.file).read(&mut block));
            match read.map_err(|error| self.unreadable(error))? {
                0 => break,
                read => copy.write_all(&block[..read]).map_err(unwritable)?,
            }
        }
        copy.rewind().map_err(unwritable)?;
        self.file = copy.into();
        self.bounded()
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    /// Calls `visit` with all records but blank ones, each with the request that it is,
    /// up to the limit of the selection. Returns how many there are.
    pub fn for_each(
        &self,
        options: &ReadOptions,
        mut visit: impl FnMut(&Record, &Result<RequestLine, InvalidRequest>) -> Result<()>,
    ) -> Result<u64> {
        let mut reader = self.reader(options)?;
        let mut read = 0;
        while !options.selection.is_complete(read)
            && let Some(record) = reader.next_record().map_err(|error| self.error(error))?
        {
            if let Some(parsed) = RequestLine::parse(&record, options).transpose() {
                read += 1;
                visit(&record, &parsed)?;
            }
        }
        Ok(read)
    }

    /// The columns of all records, in the order in which they appear. Bad records have
    /// none.
    ///
    /// # Errors
    /// [`Error::Input`] if they are too many, and those of reading the input.
    pub fn columns(&self, options: &ReadOptions) -> Result<ColumnNames> {
        let mut reader = self.reader(options)?;
        if let Some(columns) = reader.known_columns(options.kind) {
            return Ok(columns);
        }
        let mut columns = ColumnNames::default();
        while let Some(record) = reader.next_record().map_err(|error| self.error(error))? {
            if let Ok(Some(cells)) = record.cells(options.kind) {
                columns
                    .add(&cells)
                    .map_err(|reason| Error::Input(self.message(record.place, &reason)))?;
            }
        }
        Ok(columns)
    }

    /// The records that a sample of the input has.
    ///
    /// # Errors
    /// Those of reading the input.
    pub fn sampler(&self, options: &ReadOptions, wanted: SampleSize) -> Result<Sampler> {
        let mut sampler = Sampler::new(wanted);
        self.for_each(options, |record, _| {
            sampler.add(record.place.number);
            Ok(())
        })?;
        Ok(sampler)
    }

    /// Checks the first bytes, so that a file that is not text at all does not
    /// become many invalid lines.
    ///
    /// # Errors
    /// [`Error::NotText`].
    pub fn ensure_text(&self, sample: &[u8], options: &ReadOptions) -> Result<()> {
        let allows_nul = options.kind == RecordKind::Text(Separator::Nul);
        let Some((flaw, likeness)) = text::recognize_foreign(sample, allows_nul) else {
            return Ok(());
        };
        let origin = self.origin.clone();
        Err(Box::new(NotText { origin, flaw, likeness, is_replaceable: false }).into())
    }

    /// The records from the start, or those that are left of a pipe. The columns of a
    /// table are those that the question needs.
    ///
    /// # Errors
    /// [`Error::Input`] for a table without a header, or without a column of the question;
    /// and [`Error::Unreadable`].
    pub fn reader(&self, options: &ReadOptions) -> Result<RecordReader> {
        let bytes = InputBytes { file: Arc::clone(&self.file), offset: self.start };
        let reader = RecordReader::new(bytes.take(self.length), options.kind)
            .map_err(|error| self.error(error))?;
        if let (Some(header), Some(question)) = (reader.header(), &options.question) {
            let way_out = match header.other_delimiter() {
                Some('\t') => "; if tabs separate the cells, add --tsv".to_owned(),
                Some(delimiter) => {
                    format!("; if '{delimiter}' separates the cells, add --delimiter '{delimiter}'")
                }
                None => String::new(),
            };
            question.ensure_known(&Cells::header(header)).map_err(|reason| {
                Error::Input(format!("{}: {reason}{way_out}", self.path.display()))
            })?;
        }
        Ok(reader)
    }

    /// The first bytes, of an input that can be read twice.
    ///
    /// # Errors
    /// [`Error::Unreadable`].
    pub(super) fn sample(&self, length: usize) -> Result<Vec<u8>> {
        let mut sample = vec![0; length];
        let start = self.start.unwrap_or_default();
        let read = uninterrupted(|| self.file.read_at(&mut sample, start));
        sample.truncate(read.map_err(|error| self.unreadable(error))?);
        Ok(sample)
    }

    pub fn is_rereadable(&self) -> bool {
        self.start.is_some()
    }

    /// The error for a failed read.
    fn unreadable(&self, source: io::Error) -> Error {
        Error::Unreadable { path: self.path.clone(), source }
    }

    /// The error for records that cannot be read.
    pub fn error(&self, error: ReadError) -> Error {
        match error {
            ReadError::Io(source) => self.unreadable(source),
            ReadError::Table { line, reason } => {
                Error::Input(format!("{}:{line}: {reason}", self.path.display()))
            }
        }
    }

    /// The error for a record with the id of an earlier one.
    pub fn duplicate_id(&self, place: Place, id: &str) -> Error {
        Error::Input(
            self.message(
                place,
                &format!("the id {id} is already used by an earlier {}", place.noun()),
            ),
        )
    }

    /// The error for a request that has changed since it was done.
    pub fn changed_request(&self, place: Place, id: &str) -> Error {
        let hint = changed_hint(place, id);
        let reason = format!("the request {id} is done, {CHANGED}; {hint}");
        Error::Input(self.message(place, &reason))
    }

    /// The beginning of the row that is written for a record.
    ///
    /// # Errors
    /// [`Error::Input`] if it has a column that the output has too.
    pub fn row_start(
        &self,
        place: Place,
        format: &RowFormat,
        cells: Option<&Cells>,
    ) -> Result<Vec<u8>> {
        let row = format.begin(cells);
        row.map_err(|reason| Error::Input(self.message(place, &reason)))
    }

    /// The error for a record that is not a request.
    pub fn invalid_record(&self, place: Place, invalid: &InvalidRequest) -> Error {
        Error::Input(self.message(place, &invalid.reason))
    }

    pub(super) fn message(&self, place: Place, reason: &str) -> String {
        format!("{}:{place}: {reason}", self.path.display())
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}
