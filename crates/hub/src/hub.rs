//! What commands and programs call.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use ferrotype_base::files::write_atomic;
use ferrotype_base::lfs;

use super::cache::{Cache, Found, digest, interrupted, unreadable};
use super::download;
use super::registry;
use super::{Accept, Acceptance, Entry, Error, ErrorKind, Event, Options, Progress, Registry, Result, Silent};

/// Before a name where a path could be meant.
const PREFIX: &str = "hub:";

/// Published models by name.
#[derive(Debug)]
pub struct Hub {
    options: Options,
    registry: Registry,
    cache: Cache,
}

/// What of a model is in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Absent,
    /// Nothing yet; the program has the file in it.
    Shipped,
    /// So many bytes; the rest has not come yet.
    Partial(u64),
    /// All of it.
    Present,
    /// Another file in its place, and how it differs.
    Damaged(String),
}

/// A model of the list.
#[derive(Clone, Debug)]
pub struct Listed<'h> {
    /// The model.
    pub entry: &'h Entry,
    /// What of it is in the cache, by its size.
    pub state: State,
    /// When its licence was accepted, if it was asked for.
    pub accepted: Option<Acceptance>,
    /// Where its file is, or will be.
    pub path: PathBuf,
}

impl Hub {
    /// The hub with the settings of the environment ([`Options::from_env`]).
    ///
    /// # Errors
    /// When a variable is not understood, or an entry of the user is not well formed.
    pub fn open() -> Result<Self> {
        Self::with_options(Options::from_env()?)
    }

    /// The hub with these settings. Makes no file and asks no network.
    ///
    /// # Errors
    /// When an entry in the folder `entries` of the cache is not well formed or has the name of a published one.
    pub fn with_options(options: Options) -> Result<Self> {
        let cache = Cache::new(options.home.clone());
        let mut registry = Registry::shipped()?;
        registry.add_folder(&cache.entries())?;
        Ok(Self { options, registry, cache })
    }

    /// The settings.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The entries.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// All models in the order of their names, and what of each is in the cache. Files are not read: see [`Self::verify`].
    ///
    /// # Errors
    /// When the cache cannot be looked at.
    pub fn list(&self) -> Result<Vec<Listed<'_>>> {
        let entries = self.registry.entries().iter();
        entries
            .map(|entry| {
                let state = self.state(entry, self.cache.look(entry)?);
                Ok(Listed { entry, state, accepted: self.cache.accepted(entry), path: self.cache.file(entry) })
            })
            .collect()
    }

    /// The path of a model's file: from the cache if it is there and right, else from the program or the network. A file in the cache that
    /// is no longer right is loaded anew.
    ///
    /// # Errors
    /// When there is no such model, its licence is not accepted, or it cannot be had: [`ErrorKind`] says why.
    pub fn pull(&self, name: &str, accept: &Accept<'_>, progress: &mut dyn Progress) -> Result<PathBuf> {
        let entry = self.registry.find(bare(name))?;
        match self.cache.check(entry)? {
            Found::Good(path) => {
                self.ask(entry, accept)?;
                return Ok(path);
            }
            Found::Absent => {}
            Found::Damaged(path, _) => step(entry, progress, &Event::Damaged { path: &path })?,
        }
        // What cannot be had is asked no question about.
        let shipped = registry::file(&entry.name);
        let urls = match shipped {
            Some(_) => Vec::new(),
            None => download::addresses(entry, &self.options, &self.cache.file(entry))?,
        };
        self.ask(entry, accept)?;
        step(entry, progress, &Event::Begin { entry })?;
        let _lock = self.cache.lock(&entry.name, &mut || progress.on(&Event::Waiting))?;
        // Another process may have been faster.
        let path = match self.cache.check(entry)? {
            Found::Good(path) => path,
            found => {
                if let Found::Damaged(path, _) = found {
                    fs::remove_file(&path).map_err(|e| self.cache.unwritable(&path, &e))?;
                }
                self.cache.prepare(entry)?;
                match shipped {
                    Some(bytes) => self.cache.unpack(entry, bytes)?,
                    None => download::load(entry, &urls, &self.cache, &self.options, progress)?,
                }
            }
        };
        step(entry, progress, &Event::Done { path: &path })?;
        Ok(path)
    }

    /// The path of a model's file, as [`Self::pull`] gives it without a word and without a question; but a file in the cache that
    /// is no longer right is an error.
    ///
    /// # Errors
    /// As [`Self::pull`], and when the file in the cache is damaged.
    pub fn path_of(&self, name: &str) -> Result<PathBuf> {
        self.path_with(bare(name), &Accept::Remembered, &mut Silent)
    }

    fn path_with(&self, name: &str, accept: &Accept<'_>, progress: &mut dyn Progress) -> Result<PathBuf> {
        let entry = self.registry.find(name)?;
        match self.cache.check(entry)? {
            Found::Damaged(path, why) => Err(Error::new(
                ErrorKind::Damaged,
                format!(
                    "{} is no longer the file of `{name}`: {why}. `ferrotype models pull {name}` loads it anew; if that \
                     happens again, look to the disk",
                    path.display()
                ),
            )),
            _ => self.pull(name, accept, progress),
        }
    }

    /// What a user wrote where a file is asked for: a path stays one, the name of a published model becomes the path of its
    /// file. `hub:NAME` is always a name, and what is there as a file or folder always a path.
    ///
    /// # Errors
    /// When it is neither, with the name that was probably meant; and as [`Self::path_of`].
    pub fn resolve(&self, text: &str) -> Result<PathBuf> {
        self.resolve_with(text, &Accept::Remembered, &mut Silent)
    }

    /// As [`Self::resolve`], with a question and progress for what has to be loaded.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub fn resolve_with(&self, text: &str, accept: &Accept<'_>, progress: &mut dyn Progress) -> Result<PathBuf> {
        if let Some(name) = text.strip_prefix(PREFIX) {
            return self.path_with(name, accept, progress);
        }
        let path = PathBuf::from(text);
        let names_folder = text.contains(['/', '\\']);
        // The reader of a path that is not there has the better message.
        if names_folder || path.exists() {
            return Ok(path);
        }
        if self.registry.get(text).is_some() {
            return self.path_with(text, accept, progress);
        }
        let hint = self.registry.hint(text);
        Err(Error::new(
            ErrorKind::Unknown,
            format!("`{text}` is no file here, and no published model has that name{hint}"),
        ))
    }

    /// What of a model is in the cache, by reading all of it.
    ///
    /// # Errors
    /// When there is no such model, or the cache cannot be read.
    pub fn verify(&self, name: &str) -> Result<State> {
        let entry = self.registry.find(bare(name))?;
        Ok(self.state(entry, self.cache.check_again(entry)?))
    }

    fn state(&self, entry: &Entry, found: Found) -> State {
        match found {
            Found::Good(_) => State::Present,
            Found::Damaged(_, why) => State::Damaged(why),
            Found::Absent => match fs::metadata(self.cache.part(entry)) {
                Ok(data) if data.len() > 0 => State::Partial(data.len()),
                _ if registry::file(&entry.name).is_some() => State::Shipped,
                _ => State::Absent,
            },
        }
    }

    /// Removes a model from the cache and says how many bytes that freed. An acceptance of its licence stays.
    ///
    /// # Errors
    /// When there is no such model, or its files cannot be removed.
    pub fn remove(&self, name: &str) -> Result<u64> {
        let entry = self.registry.find(bare(name))?;
        if !self.cache.holds(&entry.name) {
            return Ok(0);
        }
        let _lock = self.cache.lock(&entry.name, &mut || ControlFlow::Continue(()))?;
        self.cache.remove(&entry.name)
    }

    /// Puts a file that the user has into the cache, if it is the model's: same size, same sha256. The file itself stays.
    ///
    /// # Errors
    /// When it is another file (and whose, if that is known), its licence is not accepted, or the disk refuses.
    pub fn add_file(&self, name: &str, file: &Path, accept: &Accept<'_>) -> Result<PathBuf> {
        let entry = self.registry.find(bare(name))?;
        self.ask(entry, accept)?;
        lfs::refuse_file(file).map_err(|e| Error::new(ErrorKind::Size, format!("{e:#}")))?;
        let size = fs::metadata(file).map_err(|e| unreadable(file, &e))?.len();
        let _lock = self.cache.lock(&entry.name, &mut || ControlFlow::Continue(()))?;
        if let Found::Good(path) = self.cache.check(entry)? {
            return Ok(path);
        }
        let shown = file.display().to_string();
        if size != entry.size {
            return Err(self.another(
                entry,
                file,
                ErrorKind::Size,
                &format!("has {size} bytes instead of {}", entry.size),
            ));
        }
        self.cache.prepare(entry)?;
        // What is checked is the copy, so that nothing can change between check and use.
        let part = self.cache.part(entry);
        if let Err(e) = fs::copy(file, &part) {
            let _ = fs::remove_file(&part);
            return Err(self.cache.unwritable(&part, &e).after(&format!("cannot copy {shown}: ")));
        }
        match self.cache.finish(entry, &part, &shown) {
            Err(e) if e.kind() == ErrorKind::Hash => {
                Err(self.another(entry, file, ErrorKind::Hash, &format!("has another sha256 than {}", entry.sha256)))
            }
            done => done,
        }
    }

    /// Keeps an entry of the user's own in the cache (`entries/NAME.yaml`), in place of an earlier one of that name, and its file.
    ///
    /// # Errors
    /// When the name is that of a published model, or as [`Self::add_file`]; then no entry is kept.
    pub fn add_entry(&mut self, entry: Entry, file: &Path, accept: &Accept<'_>) -> Result<PathBuf> {
        let mut registry = Registry::shipped()?;
        registry.add(entry.clone())?;
        self.registry.replace(entry.clone());
        let kept = self.add_file(&entry.name, file, accept)?;
        let folder = self.cache.entries();
        let path = folder.join(format!("{}.yaml", entry.name));
        fs::create_dir_all(&folder).map_err(|e| self.cache.unwritable(&folder, &e))?;
        write_atomic(&path, entry.to_yaml().as_bytes())
            .map_err(|e| Error::new(ErrorKind::Disk, format!("cannot write {}: {e:#}", path.display())))?;
        Ok(kept)
    }

    /// The error of a file that is not the model's.
    fn another(&self, entry: &Entry, file: &Path, kind: ErrorKind, how: &str) -> Error {
        let owner = digest(file).ok().and_then(|sum| self.registry.of_digest(&sum));
        let whose = match owner {
            Some(other) => format!("it is the file of `{0}`: ferrotype models add {0} {1}", other.name, file.display()),
            None => "it is another version, or was cut off or changed on its way".to_owned(),
        };
        Error::new(kind, format!("{} is not the file of `{}`: it {how}; {whose}", file.display(), entry.name))
    }

    /// Sees to the licence of a model: nothing to ask, accepted before, or accepted now and remembered.
    fn ask(&self, entry: &Entry, accept: &Accept<'_>) -> Result<()> {
        if !entry.is_restricted() || self.cache.accepted(entry).is_some() {
            return Ok(());
        }
        accept.answer(entry)?;
        self.cache.accept(entry)
    }
}

fn bare(name: &str) -> &str {
    name.strip_prefix(PREFIX).unwrap_or(name)
}

/// Tells of an event and ends where the listener wants that.
fn step(entry: &Entry, progress: &mut dyn Progress, event: &Event<'_>) -> Result<()> {
    match progress.on(event) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(interrupted(&entry.name)),
    }
}
