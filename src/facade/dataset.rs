//! Prepared files of pictures.

use std::path::Path;

use super::{Error, Result};
use ferrotype_data::{FaceSet, info, store};

/// A prepared file of pictures with what is known of them, read into memory. Row `i` of everything is picture `i`, except in
/// files of sequences.
///
/// # Examples
/// ```no_run
/// let faces = ferrotype::Dataset::open("datasets/fer2013.h5")?;
/// let [count, height, width, channels] = faces.shape();
/// assert_eq!(faces.pixels().len(), count * height * width * channels);
/// # Ok::<(), ferrotype::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Dataset {
    faces: FaceSet,
}

impl Dataset {
    /// Reads a file that `ferrotype data prepare` or a training made, and checks that it is whole.
    ///
    /// # Errors
    /// [`Error::Dataset`] where it is missing, cut off, damaged, or no prepared file of pictures, or its pixels take more than
    /// 16 GiB.
    ///
    /// # Examples
    /// ```
    /// assert!(matches!(ferrotype::Dataset::open("no/such.h5"), Err(ferrotype::Error::Dataset { .. })));
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self { faces: store::read(path.as_ref()).and_then(FaceSet::into_memory).map_err(Error::dataset)? })
    }

    /// Pictures, rows of pixels, pixels per row, values per pixel: 1 (grey) or 3 (RGB, or parts of motion).
    ///
    /// # Examples
    /// See [`Dataset`].
    pub fn shape(&self) -> [usize; 4] {
        let images = &self.faces.images;
        [images.len(), images.height, images.width, images.channels]
    }

    /// All pixels, 0..255, in the order of [`shape`](Self::shape).
    ///
    /// # Examples
    /// See [`Dataset`].
    pub fn pixels(&self) -> &[u8] {
        &self.faces.images.pixels
    }

    /// Names of the classes; none where rows have other targets.
    ///
    /// # Examples
    /// See [`Dataset::labels`].
    pub fn classes(&self) -> &[String] {
        &self.faces.classes
    }

    /// The class of each row; -1 where it has none.
    ///
    /// # Examples
    /// ```no_run
    /// let faces = ferrotype::Dataset::open("datasets/fer2013.h5")?;
    /// println!("{}", faces.classes()[faces.labels()[0] as usize]);
    /// # Ok::<(), ferrotype::Error>(())
    /// ```
    pub fn labels(&self) -> &[i16] {
        &self.faces.labels
    }

    /// Votes of several people per class, row by row as `[rows, columns]`, with the names of the columns; none in most sets.
    ///
    /// # Examples
    /// ```no_run
    /// let faces = ferrotype::Dataset::open("datasets/ferplus.h5")?;
    /// if let Some((votes, columns)) = faces.votes() {
    ///     println!("{columns:?} {:?}", &votes[..columns.len()]);
    /// }
    /// # Ok::<(), ferrotype::Error>(())
    /// ```
    pub fn votes(&self) -> Option<(&[u8], &[String])> {
        self.faces.votes.as_ref().map(|votes| (&*votes.counts, &*votes.columns))
    }

    /// The part of the set that each row is in by its own division: `training`, `validation`, `test` or `undivided`.
    ///
    /// # Examples
    /// ```no_run
    /// let faces = ferrotype::Dataset::open("datasets/fer2013.h5")?;
    /// println!("{}", faces.parts().filter(|part| *part == "test").count());
    /// # Ok::<(), ferrotype::Error>(())
    /// ```
    pub fn parts(&self) -> impl Iterator<Item = &'static str> {
        self.faces.splits.iter().map(|split| split.as_str())
    }

    /// The person on each row; empty text where nobody knows, none where the set has no persons.
    ///
    /// # Examples
    /// ```no_run
    /// println!("{:?}", ferrotype::Dataset::open("datasets/ck_plus.h5")?.subjects());
    /// # Ok::<(), ferrotype::Error>(())
    /// ```
    pub fn subjects(&self) -> Option<&[String]> {
        self.faces.subjects.as_deref()
    }

    /// The file's name of each row; empty where the source has none.
    ///
    /// # Examples
    /// ```no_run
    /// println!("{:?}", ferrotype::Dataset::open("datasets/rafdb.h5")?.names().first());
    /// # Ok::<(), ferrotype::Error>(())
    /// ```
    pub fn names(&self) -> &[String] {
        &self.faces.names
    }

    /// The row of the source that each row was: the column `row` of predictions.
    ///
    /// # Examples
    /// ```no_run
    /// println!("{:?}", ferrotype::Dataset::open("datasets/fer2013.h5")?.source_rows().first());
    /// # Ok::<(), ferrotype::Error>(())
    /// ```
    pub fn source_rows(&self) -> &[u32] {
        &self.faces.source_rows
    }

    /// Counts per part and class, and where the pictures come from: the page of `ferrotype data info`.
    ///
    /// # Examples
    /// ```no_run
    /// print!("{}", ferrotype::Dataset::open("datasets/fer2013.h5")?.describe());
    /// # Ok::<(), ferrotype::Error>(())
    /// ```
    pub fn describe(&self) -> String {
        info::describe(&self.faces)
    }
}
