//! What discovery looked at, and what came of each look.

use std::fmt;
use std::path::PathBuf;

/// Everything that discovery looked at, in order.
///
/// ```
/// let report = jacinth_plugins::discover();
/// assert_eq!(report.to_string().lines().count(), report.looks.len()); // a line for each place
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The looks, in order.
    pub looks: Vec<Look>,
}

impl Report {
    /// The plugins that were found, in the order of preference, with their names.
    ///
    /// ```
    /// let names: Vec<String> = jacinth_plugins::discover().found().map(|look| look.name.clone()).collect();
    /// assert!(names.contains(&"embedded".to_owned()));
    /// ```
    pub fn found(&self) -> impl Iterator<Item = &Look> {
        self.looks.iter().filter(|look| matches!(look.outcome, Outcome::Found | Outcome::Loaded))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, look) in self.looks.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{look}")?;
        }
        Ok(())
    }
}

/// One place that was looked at for one plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The plugin looked for.
    pub name: String,
    /// Where.
    pub source: Source,
    /// The library; `None` where the place does not lead to one.
    pub path: Option<PathBuf>,
    /// What came of it.
    pub outcome: Outcome,
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.source)?;
        if let Some(path) = &self.path {
            write!(f, " {}", path.display())?;
        }
        write!(f, ": {}", self.outcome)
    }
}

/// Why a place was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The caller gave the path.
    Explicit,
    /// An environment variable.
    Variable(&'static str),
    /// A Python's site-packages.
    SitePackages,
    /// The folder where `cargo xtask plugins` installs.
    UserFolder,
    /// A system library folder.
    System,
    /// Linked into this program.
    Embedded,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Explicit => f.write_str("the given path"),
            Source::Variable(name) => write!(f, "variable {name}"),
            Source::SitePackages => f.write_str("site-packages"),
            Source::UserFolder => f.write_str("the user's plugins"),
            Source::System => f.write_str("system libraries"),
            Source::Embedded => f.write_str("linked"),
        }
    }
}

/// What came of a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The library is there; it was not loaded.
    Found,
    /// The library was loaded.
    Loaded,
    /// Nothing is there.
    Absent,
    /// It is there and was not tried, or was tried and failed: why.
    Rejected(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Found => f.write_str("found"),
            Outcome::Loaded => f.write_str("loaded"),
            Outcome::Absent => f.write_str("not there"),
            Outcome::Rejected(why) => write!(f, "rejected: {why}"),
        }
    }
}

/// No plugin could be had: what was asked for, what was looked at and why each place was rejected.
///
/// ```
/// let error = jacinth_plugins::resolve("abacus").unwrap_err();
/// assert_eq!(error.spec, "abacus");
/// assert!(error.hint.unwrap().starts_with("the names known here are embedded, cpu, cuda"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct NotFound {
    /// What was asked for: a name, a path, or a list of them.
    pub spec: String,
    /// What was looked at.
    pub report: Report,
    /// What the user can do.
    pub hint: Option<String>,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no PJRT plugin for `{}`", self.spec)?;
        for look in &self.report.looks {
            write!(f, "\n  {look}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  {hint}")?;
        }
        Ok(())
    }
}

/// The sentence, which is what `unwrap` and a `main` that returns the error print.
impl fmt::Debug for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for NotFound {}
