//! Parts of trees as values: what stands at a node, whatever its type; functions that stop above the leaves; prefixes.
//!
//! Where JAX takes `is_leaf`, a part of a tree that is no array may be a leaf. Rust has no one type for that but [`Subtree`]: structure and
//! arrays of any tree, itself a pytree, that turns into a type again with [`Subtree::to`].

use super::def::{KeyPath, Node, TreeDef, TreeError, subtree_end};
use super::{Flattener, Key, Leaves, Pytree, Unflattener, flatten, flatten_ref, try_unflatten};
use crate::error::Error;
use crate::trace::Array;
use std::fmt;
use std::panic::Location;

/// A tree of any structure: structure and leaves.
///
/// ```
/// # use jacinth_frontend::{Array, tree::Subtree};
/// let part = Subtree::of(&(Array::from(1.0), vec![Array::from(2.0)]));
/// assert_eq!((part.structure().to_string(), part.leaves().len()), ("PyTreeDef((*, [*]))".to_owned(), 2));
/// assert!(part.as_array().is_none() && !part.is_none());
/// ```
#[derive(Clone)]
pub struct Subtree {
    def: TreeDef,
    leaves: Vec<Array>,
}

impl Subtree {
    /// A tree with its type forgotten.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, tree::Subtree};
    /// assert!(Subtree::of(&Array::from(1.0)).as_array().is_some());
    /// ```
    pub fn of<T: Pytree>(tree: &T) -> Subtree {
        let (leaves, def) = flatten(tree);
        Subtree { def, leaves }
    }

    /// The tree as a type.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, tree::Subtree};
    /// let part = Subtree::of(&(Array::from(1.0f32), Array::from(2.0f32)));
    /// let (a, _b): (Array, Array) = part.to().unwrap();
    /// assert_eq!(a.item::<f32>(), 1.0);
    /// assert!(part.to::<Vec<Array>>().is_err());
    /// ```
    ///
    /// # Errors
    /// Where the structure is not one of `T`'s; the error names the path.
    pub fn to<T: Pytree>(&self) -> Result<T, TreeError> {
        try_unflatten(&self.def, self.leaves.iter().cloned())
    }

    /// The structure.
    ///
    /// ```
    /// # use jacinth_frontend::{tree::{Subtree, TreeDef}};
    /// assert_eq!(*Subtree::of(&()).structure(), TreeDef::tuple([]));
    /// ```
    pub fn structure(&self) -> &TreeDef {
        &self.def
    }

    /// The arrays.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, tree::Subtree};
    /// assert_eq!(Subtree::of(&vec![Array::from(1.0f32)]).leaves()[0].item::<f32>(), 1.0);
    /// ```
    pub fn leaves(&self) -> &[Array] {
        &self.leaves
    }

    /// The array, if the tree is one.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, tree::Subtree};
    /// assert!(Subtree::of(&vec![Array::from(1.0)]).as_array().is_none()); // a list of one
    /// ```
    pub fn as_array(&self) -> Option<&Array> {
        match self.root() {
            Node::Leaf => self.leaves.first(),
            _ => None,
        }
    }

    /// Whether the tree is an absent node.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, tree::Subtree};
    /// assert!(Subtree::of(&None::<Array>).is_none());
    /// ```
    pub fn is_none(&self) -> bool {
        matches!(self.root(), Node::None)
    }

    /// What stands at the root.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, tree::{Node, Subtree}};
    /// assert_eq!(*Subtree::of(&vec![Array::from(1.0)]).root(), Node::List(1));
    /// ```
    pub fn root(&self) -> &Node {
        &self.def.nodes()[0]
    }
}

impl fmt::Debug for Subtree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subtree").field("structure", &self.def).field("leaves", &self.leaves).finish()
    }
}

impl Pytree for Subtree {
    fn flatten<'a>(&'a self, out: &mut Flattener<'a>) {
        let mut leaves = self.leaves.iter();
        for node in self.def.nodes() {
            match node {
                Node::Leaf => out.leaf(leaves.next().expect("one array per leaf")),
                other => out.replay(other),
            }
        }
    }

    fn into_leaves(self, out: &mut Leaves) {
        out.extend(self.leaves);
    }

    fn unflatten(from: &mut Unflattener<'_>) -> Result<Self, TreeError> {
        let (def, leaves) = from.subtree()?;
        Ok(Subtree { def, leaves })
    }
}

/// The parts of a tree at which `is_leaf` holds, and the leaves elsewhere; and the structure that has them for leaves.
///
/// ```
/// # use jacinth_frontend::{Array, tree::{self, Subtree}};
/// // Absent nodes as leaves, as JAX's `is_leaf=lambda x: x is None`.
/// let (parts, def) = tree::flatten_until(&(Array::from(1.0), None::<Array>), Subtree::is_none);
/// assert_eq!((parts.len(), def.to_string()), (2, "PyTreeDef((*, *))".to_owned()));
/// ```
pub fn flatten_until<T: Pytree>(tree: &T, is_leaf: impl Fn(&Subtree) -> bool) -> (Vec<Subtree>, TreeDef) {
    let (leaves, def) = flatten_ref(tree);
    let nodes = def.nodes();
    let (mut at, mut leaf) = (0, 0);
    let (mut parts, mut outer) = (Vec::new(), Vec::new());
    while at < nodes.len() {
        let part = part_at(nodes, at, &leaves, leaf);
        if matches!(nodes[at], Node::Leaf) || is_leaf(&part) {
            at += part.def.num_nodes();
            leaf += part.leaves.len();
            outer.push(Node::Leaf);
            parts.push(part);
        } else {
            outer.push(nodes[at].clone());
            at += 1;
        }
    }
    (parts, TreeDef::from_nodes(outer))
}

/// The parts of a tree at which `is_leaf` holds, and the leaves elsewhere.
///
/// ```
/// # use jacinth_frontend::{Array, tree::{self, Node}};
/// let pairs = vec![(Array::from(1.0), Array::from(2.0)); 3];
/// assert_eq!(tree::leaves_until(&pairs, |part| *part.root() == Node::Tuple(2)).len(), 3);
/// ```
pub fn leaves_until<T: Pytree>(tree: &T, is_leaf: impl Fn(&Subtree) -> bool) -> Vec<Subtree> {
    flatten_until(tree, is_leaf).0
}

/// [`leaves_until`], each part with its key path.
///
/// ```
/// # use jacinth_frontend::{Array, tree::{self, Subtree}};
/// let parts = tree::leaves_with_path_until(&vec![None, Some(Array::from(1.0))], Subtree::is_none);
/// assert_eq!(tree::keystr(&parts[0].0), "[0]");
/// assert!(parts[0].1.is_none());
/// ```
pub fn leaves_with_path_until<T: Pytree>(
    tree: &T,
    is_leaf: impl Fn(&Subtree) -> bool,
) -> Vec<(KeyPath, Subtree)> {
    let (parts, outer) = flatten_until(tree, is_leaf);
    outer.paths().into_iter().zip(parts).collect()
}

/// The tree with `f` applied to the parts at which `is_leaf` holds, and to the leaves elsewhere.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp, tree::{self, Subtree}};
/// let x = vec![None, Some(Array::from(1.0f32))];
/// let filled = tree::map_until(&x, |part| part.as_array().cloned().unwrap_or(jnp::zeros(())), Subtree::is_none);
/// assert_eq!(filled.to::<Vec<Array>>().unwrap()[0].item::<f32>(), 0.0);
/// ```
pub fn map_until<T: Pytree, U: Pytree>(
    tree: &T,
    mut f: impl FnMut(&Subtree) -> U,
    is_leaf: impl Fn(&Subtree) -> bool,
) -> Subtree {
    map_with_path_until(tree, |_, part| f(part), is_leaf)
}

/// [`map_until`] with `f` given the key path too.
///
/// ```
/// # use jacinth_frontend::{Array, tree::{self, Subtree}};
/// let x = vec![None, Some(Array::from(1.0f32))];
/// let depth = tree::map_with_path_until(&x, |path, _| Array::from(path.len() as i32), Subtree::is_none);
/// assert!(depth.leaves().iter().all(|n| n.item::<i32>() == 1));
/// ```
pub fn map_with_path_until<T: Pytree, U: Pytree>(
    tree: &T,
    mut f: impl FnMut(&[Key], &Subtree) -> U,
    is_leaf: impl Fn(&Subtree) -> bool,
) -> Subtree {
    let (parts, outer) = flatten_until(tree, is_leaf);
    let mapped: Vec<Subtree> =
        outer.paths().iter().zip(&parts).map(|(path, part)| Subtree::of(&f(path, part))).collect();
    let (mut nodes, mut leaves) = (Vec::new(), Vec::new());
    let mut mapped = mapped.into_iter();
    for node in outer.nodes() {
        match node {
            Node::Leaf => {
                let part = mapped.next().expect("one part per leaf");
                nodes.extend_from_slice(part.def.nodes());
                leaves.extend(part.leaves);
            }
            other => nodes.push(other.clone()),
        }
    }
    Subtree { def: TreeDef::from_nodes(nodes), leaves }
}

impl TreeDef {
    /// The parts of `tree` that stand where this structure has leaves.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, tree};
    /// let x = Array::from(1.0);
    /// let outer = tree::structure(&(x.clone(), x.clone()));
    /// let parts = outer.flatten_up_to(&(vec![x.clone(), x.clone()], x)).unwrap();
    /// assert_eq!((parts[0].leaves().len(), parts[1].leaves().len()), (2, 1));
    /// ```
    ///
    /// # Errors
    /// Where this structure is no prefix of the tree's; the error names the path.
    pub fn flatten_up_to<T: Pytree>(&self, tree: &T) -> Result<Vec<Subtree>, TreeError> {
        let (leaves, def) = flatten_ref(tree);
        let (mine, nodes) = (self.nodes(), def.nodes());
        let (mut at, mut leaf) = (0, 0);
        let mut parts = Vec::with_capacity(self.num_leaves());
        for (i, node) in mine.iter().enumerate() {
            match node {
                Node::Leaf => {
                    let part = part_at(nodes, at, &leaves, leaf);
                    at += part.def.num_nodes();
                    leaf += part.leaves.len();
                    parts.push(part);
                }
                other if *other == nodes[at] => at += 1,
                other => {
                    return Err(TreeError::Differ {
                        path: super::def::path_at(mine, i),
                        expected: other.describe(),
                        found: nodes[at].describe(),
                    });
                }
            }
        }
        Ok(parts)
    }
}

/// A tree of the structure of `full` whose leaves are those of `prefix`, each standing for all leaves below it.
///
/// ```
/// # use jacinth_frontend::{Array, tree};
/// let (rate, params) = (Array::from(0.1f32), (Array::from(1.0f32), vec![Array::from(2.0f32)]));
/// let rates = tree::broadcast(&rate, &params); // one for each leaf
/// assert_eq!(rates.1[0].item::<f32>(), 0.1);
/// ```
///
/// # Panics
/// Where `prefix` is no tree prefix of `full`; the message names the path. [`try_broadcast`] returns it as an error.
#[track_caller]
pub fn broadcast<P: Pytree, T: Pytree>(prefix: &P, full: &T) -> T {
    let at = Location::caller();
    try_broadcast(prefix, full).unwrap_or_else(|e| refuse("tree::broadcast", e, at))
}

/// As [`broadcast`].
///
/// ```
/// # use jacinth_frontend::{Array, tree};
/// let x = Array::from(1.0);
/// let error = tree::try_broadcast(&(x.clone(), x.clone()), &vec![x.clone(), x]).unwrap_err();
/// assert!(error.to_string().contains("expected a tuple of 2, found a list of 2"));
/// ```
///
/// # Errors
/// Where `prefix` is no tree prefix of `full`; the error names the path.
pub fn try_broadcast<P: Pytree, T: Pytree>(prefix: &P, full: &T) -> Result<T, TreeError> {
    let (given, outer) = flatten_ref(prefix);
    let parts = outer.flatten_up_to(full)?;
    let leaves = given.iter().zip(&parts).flat_map(|(&x, part)| part.leaves.iter().map(move |_| x.clone()));
    try_unflatten(&super::structure(full), leaves)
}

/// Raises an error of a function over trees at the user's line.
pub(super) fn refuse(function: &'static str, error: TreeError, at: &'static Location<'static>) -> ! {
    Error::operands(function, error.to_string()).at(at).raise()
}

/// The part that starts at node `at`, whose first array is number `leaf`.
fn part_at(nodes: &[Node], at: usize, leaves: &[&Array], leaf: usize) -> Subtree {
    let def = TreeDef::from_nodes(nodes[at..subtree_end(nodes, at)].to_vec());
    let leaves = leaves[leaf..leaf + def.num_leaves()].iter().map(|&a| a.clone()).collect();
    Subtree { def, leaves }
}
