//! Prefix trees of axes: `in_axes` and `out_axes` of `vmap`, spread over the leaves of the tree that they describe.

use super::Key;
use super::def::{KeyPath, Node, TreeDef, TreeError, subtree_end};
use std::collections::BTreeMap;
use std::fmt;

/// An axis, or the absence of one, for every leaf of a tree: a prefix of that tree.
///
/// Made from numbers, `None`, tuples, vectors and maps: `0`, `(0, None)`, `((None, -1), 0)`. A map describes a dict, and
/// also a derived struct by the names of its fields; a tuple describes a tuple struct too.
///
/// ```
/// # use jacinth_frontend::tree::Axes;
/// assert_eq!(Axes::from((0, None)).to_string(), "(0, None)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Axes {
    /// Not mapped: every leaf below is shared.
    None,
    /// Mapped along this axis, counted from the end where negative.
    Index(i64),
    /// One entry per element of a tuple.
    Tuple(Vec<Axes>),
    /// One entry per element of a list.
    List(Vec<Axes>),
    /// One entry per key.
    Dict(BTreeMap<String, Axes>),
}

impl Axes {
    /// The axis of every leaf of `def`; `what` names the argument in errors (`vmap in_axes`).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, tree::{self, Axes}};
    /// let x = Array::from(1.0);
    /// let def = tree::structure(&(vec![x.clone(), x.clone()], x));
    /// assert_eq!(Axes::from((1, None)).broadcast("axes", &def).unwrap(), [Some(1), Some(1), None]);
    /// ```
    ///
    /// # Errors
    /// Where this is no prefix of `def`; the error names the path.
    pub fn broadcast(&self, what: &'static str, def: &TreeDef) -> Result<Vec<Option<i64>>, TreeError> {
        let mut spread =
            Spread { what, whole: self, def, path: Vec::new(), out: Vec::with_capacity(def.num_leaves()) };
        spread.visit(self, 0)?;
        Ok(spread.out)
    }
}

struct Spread<'a> {
    what: &'static str,
    whole: &'a Axes,
    def: &'a TreeDef,
    path: KeyPath,
    out: Vec<Option<i64>>,
}

impl Spread<'_> {
    fn visit(&mut self, axes: &Axes, at: usize) -> Result<(), TreeError> {
        let nodes = self.def.nodes();
        let fill = |axis: Option<i64>, out: &mut Vec<Option<i64>>| {
            let end = subtree_end(nodes, at);
            out.extend(nodes[at..end].iter().filter(|n| matches!(n, Node::Leaf)).map(|_| axis));
        };
        match (axes, &nodes[at]) {
            (Axes::None, _) => fill(None, &mut self.out),
            (Axes::Index(i), _) => fill(Some(*i), &mut self.out),
            (Axes::Tuple(children), Node::Tuple(n)) if children.len() == *n as usize => {
                self.children(at, children.iter().enumerate().map(|(i, a)| (Key::Sequence(i), Some(a))))?;
            }
            (Axes::List(children), Node::List(n)) if children.len() == *n as usize => {
                self.children(at, children.iter().enumerate().map(|(i, a)| (Key::Sequence(i), Some(a))))?;
            }
            (Axes::Dict(entries), Node::Dict(keys))
                if entries.len() == keys.len() && keys.iter().all(|k| entries.contains_key(&**k)) =>
            {
                self.children(at, keys.iter().map(|k| (Key::Dict((**k).into()), entries.get(&**k))))?;
            }
            (Axes::Dict(entries), Node::Struct(node))
                if entries.keys().all(|k| node.fields.contains(&k.as_str())) =>
            {
                self.children(at, node.fields.iter().map(|f| (Key::Attr(f), entries.get(*f))))?;
            }
            (Axes::Tuple(children), Node::Struct(node)) if children.len() == node.fields.len() => {
                let keys = node.fields.iter().map(|f| Key::Attr(f));
                self.children(at, keys.zip(children.iter().map(Some)))?;
            }
            (axes, found) => {
                return Err(TreeError::NoPrefix {
                    what: self.what,
                    path: self.path.clone(),
                    axes: axes.to_string(),
                    found: found.describe(),
                    whole: self.whole.to_string(),
                    structure: Box::new(self.def.clone()),
                });
            }
        }
        Ok(())
    }

    /// Visits the children of node `at`; an entry that is missing must belong to a child without leaves.
    fn children<'b>(
        &mut self,
        at: usize,
        entries: impl Iterator<Item = (Key, Option<&'b Axes>)>,
    ) -> Result<(), TreeError> {
        let mut child = at + 1;
        for (key, axes) in entries {
            let end = subtree_end(self.def.nodes(), child);
            self.path.push(key);
            match axes {
                Some(axes) => self.visit(axes, child)?,
                None if !self.def.nodes()[child..end].iter().any(|n| matches!(n, Node::Leaf)) => {}
                None => {
                    return Err(TreeError::NoPrefix {
                        what: self.what,
                        path: self.path.clone(),
                        axes: "absent".into(),
                        found: self.def.nodes()[child].describe(),
                        whole: self.whole.to_string(),
                        structure: Box::new(self.def.clone()),
                    });
                }
            }
            self.path.pop();
            child = end;
        }
        Ok(())
    }
}

impl fmt::Display for Axes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, children: &[Axes]| {
            children.iter().enumerate().try_for_each(|(i, child)| {
                f.write_str(if i > 0 { ", " } else { "" })?;
                fmt::Display::fmt(child, f)
            })
        };
        match self {
            Axes::None => f.write_str("None"),
            Axes::Index(i) => write!(f, "{i}"),
            Axes::Tuple(children) => {
                f.write_str("(")?;
                list(f, children)?;
                f.write_str(if children.len() == 1 { ",)" } else { ")" })
            }
            Axes::List(children) => {
                f.write_str("[")?;
                list(f, children)?;
                f.write_str("]")
            }
            Axes::Dict(entries) => {
                f.write_str("{")?;
                for (i, (key, value)) in entries.iter().enumerate() {
                    write!(f, "{}'{key}': {value}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("}")
            }
        }
    }
}

macro_rules! from_integers {
    ($($T:ty),*) => {$(
        impl From<$T> for Axes {
            fn from(axis: $T) -> Axes {
                Axes::Index(axis as i64)
            }
        }
    )*};
}

from_integers!(i32, i64, isize, u32, usize);

// One impl only, so that a bare `None` needs no annotation.
impl From<Option<i64>> for Axes {
    fn from(axis: Option<i64>) -> Axes {
        axis.map_or(Axes::None, Axes::Index)
    }
}

impl<T: Into<Axes>> From<Vec<T>> for Axes {
    fn from(children: Vec<T>) -> Axes {
        Axes::List(children.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Axes>, const N: usize> From<[T; N]> for Axes {
    fn from(children: [T; N]) -> Axes {
        Axes::List(children.into_iter().map(Into::into).collect())
    }
}

impl<K: Into<String>, T: Into<Axes>> From<BTreeMap<K, T>> for Axes {
    fn from(entries: BTreeMap<K, T>) -> Axes {
        Axes::Dict(entries.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}

macro_rules! from_tuples {
    ($($($T:ident $i:tt),*;)*) => {$(
        impl<$($T: Into<Axes>),*> From<($($T,)*)> for Axes {
            #[allow(unused_variables, clippy::unused_unit)]
            fn from(children: ($($T,)*)) -> Axes {
                Axes::Tuple(vec![$(children.$i.into()),*])
            }
        }
    )*};
}

from_tuples! {
    ;
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
    A 0, B 1, C 2, D 3, E 4;
    A 0, B 1, C 2, D 3, E 4, F 5;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
}
