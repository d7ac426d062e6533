//! The structure of a pytree, without its leaves: `TreeDef`, its nodes, key paths, and the errors that name them.
//!
//! Invariant: a `TreeDef` is one flat preorder vector of nodes, so comparing two is comparing two slices, and a node's
//! children are found by walking, never by chasing pointers. Deliberately absent: leaves, and any knowledge of `Array`.

use std::any::{Any, TypeId};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The structure of a pytree: what is left when every leaf is replaced by `*`.
///
/// Equal structures compare equal whatever values built them; static values take part. Prints as JAX's does.
///
/// ```
/// # use jacinth_frontend::tree;
/// let none: Option<()> = None;
/// assert_eq!(tree::structure(&(none, vec![(), ()])).to_string(), "PyTreeDef((None, [(), ()]))");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TreeDef {
    nodes: Arc<[Node]>,
    leaves: u32,
}

impl TreeDef {
    pub(crate) fn from_nodes(nodes: Vec<Node>) -> TreeDef {
        let leaves = nodes.iter().filter(|n| matches!(n, Node::Leaf)).count() as u32;
        TreeDef { nodes: nodes.into(), leaves }
    }

    /// The structure of a single leaf, `PyTreeDef(*)`.
    ///
    /// ```
    /// # use jacinth_frontend::tree::TreeDef;
    /// assert_eq!(TreeDef::leaf().to_string(), "PyTreeDef(*)");
    /// ```
    pub fn leaf() -> TreeDef {
        TreeDef::from_nodes(vec![Node::Leaf])
    }

    /// The structure of a tuple whose elements have the given structures.
    ///
    /// ```
    /// # use jacinth_frontend::tree::TreeDef;
    /// let pair = TreeDef::tuple([&TreeDef::leaf(), &TreeDef::leaf()]);
    /// assert_eq!(pair.to_string(), "PyTreeDef((*, *))");
    /// ```
    pub fn tuple<'a>(children: impl IntoIterator<Item = &'a TreeDef>) -> TreeDef {
        let mut nodes = vec![Node::Tuple(0)];
        let mut count = 0;
        for child in children {
            nodes.extend_from_slice(&child.nodes);
            count += 1;
        }
        nodes[0] = Node::Tuple(count);
        TreeDef::from_nodes(nodes)
    }

    /// The nodes in preorder.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, tree::{self, Node}};
    /// let def = tree::structure(&(Array::from(1.0), vec![Array::from(2.0)]));
    /// assert_eq!(def.nodes(), [Node::Tuple(2), Node::Leaf, Node::List(1), Node::Leaf]);
    /// ```
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// How many leaves a tree of this structure has.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, tree};
    /// assert_eq!(tree::structure(&[Array::from(1.0), Array::from(2.0)]).num_leaves(), 2);
    /// ```
    pub fn num_leaves(&self) -> usize {
        self.leaves as usize
    }

    /// How many nodes, leaves included, a tree of this structure has.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, tree};
    /// assert_eq!(tree::structure(&[Array::from(1.0), Array::from(2.0)]).num_nodes(), 3);
    /// ```
    pub fn num_nodes(&self) -> usize {
        self.nodes.len()
    }

    /// The structures of the root's children.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, tree};
    /// let def = tree::structure(&(Array::from(1.0), vec![Array::from(2.0)]));
    /// assert_eq!(def.children()[1].to_string(), "PyTreeDef([*])");
    /// ```
    pub fn children(&self) -> Vec<TreeDef> {
        let mut at = 1;
        (0..self.nodes[0].arity())
            .map(|_| {
                let end = subtree_end(&self.nodes, at);
                let child = TreeDef::from_nodes(self.nodes[at..end].to_vec());
                at = end;
                child
            })
            .collect()
    }

    /// This structure with `inner` put in place of every leaf.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, tree::{self, TreeDef}};
    /// let pair = TreeDef::tuple([&TreeDef::leaf(), &TreeDef::leaf()]);
    /// let list = tree::structure(&vec![Array::from(1.0)]);
    /// assert_eq!(pair.compose(&list).to_string(), "PyTreeDef(([*], [*]))");
    /// ```
    pub fn compose(&self, inner: &TreeDef) -> TreeDef {
        let mut nodes = Vec::with_capacity(self.nodes.len() + self.num_leaves() * inner.nodes.len());
        for node in self.nodes.iter() {
            match node {
                Node::Leaf => nodes.extend_from_slice(&inner.nodes),
                other => nodes.push(other.clone()),
            }
        }
        TreeDef::from_nodes(nodes)
    }

    /// The key path of every leaf, in the order of the leaves.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, tree::{self, keystr}};
    /// let def = tree::structure(&(Array::from(1.0), vec![Array::from(2.0)]));
    /// let names: Vec<String> = def.paths().iter().map(|path| keystr(path)).collect();
    /// assert_eq!(names, ["[0]", "[1][0]"]);
    /// ```
    pub fn paths(&self) -> Vec<KeyPath> {
        let mut walk = PathWalk::new(&self.nodes);
        let mut paths = Vec::with_capacity(self.num_leaves());
        for (i, node) in self.nodes.iter().enumerate() {
            if matches!(node, Node::Leaf) {
                paths.push(walk.path());
            }
            walk.step(i);
        }
        paths
    }

    /// Says where two structures differ, or `Ok` where they do not.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, tree};
    /// let one = tree::structure(&(Array::from(1.0), vec![Array::from(2.0)]));
    /// let other = tree::structure(&(Array::from(1.0), Array::from(2.0)));
    /// let error = one.expect(&other).unwrap_err();
    /// assert_eq!(error.to_string(), "pytree structures differ at [1]: expected a list of 1, found a leaf");
    /// ```
    ///
    /// # Errors
    /// The path of the first node at which they differ, with what each has there.
    pub fn expect(&self, found: &TreeDef) -> Result<(), TreeError> {
        if self == found {
            return Ok(());
        }
        let at = self.nodes.iter().zip(found.nodes.iter()).position(|(a, b)| a != b);
        let at = at.unwrap_or_else(|| self.nodes.len().min(found.nodes.len()));
        let describe = |nodes: &[Node]| nodes.get(at).map_or_else(|| "nothing".into(), Node::describe);
        Err(TreeError::Differ {
            path: path_at(&self.nodes, at),
            expected: describe(&self.nodes),
            found: describe(&found.nodes),
        })
    }
}

/// One place at which two structures differ; see [`TreeDef::differences`].
///
/// ```
/// # use jacinth_frontend::{tree::{self, Static}};
/// let changes = tree::structure(&(Static(3), ())).differences(&tree::structure(&(Static(4), ())));
/// assert_eq!((&*changes[0].before, &*changes[0].after, changes[0].fixed), ("3", "4", true));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub path: KeyPath,
    /// What the first structure has there.
    pub before: String,
    /// What the second has there.
    pub after: String,
    /// Whether both have a static value.
    pub fixed: bool,
}

impl TreeDef {
    /// Every place at which this structure and another differ; what stands below such a place is not compared.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, tree};
    /// let x = Array::from(1.0);
    /// let before = tree::structure(&(vec![x.clone()], x.clone()));
    /// let changes = before.differences(&tree::structure(&(vec![x.clone(), x.clone()], Some(x))));
    /// assert_eq!(changes.len(), 1); // the list; `Some(x)` is `x`
    /// assert_eq!(changes[0].after, "a list of 2");
    /// ```
    pub fn differences(&self, other: &TreeDef) -> Vec<Difference> {
        let mut out = Vec::new();
        compare(&self.nodes, 0, &other.nodes, 0, &mut Vec::new(), &mut out);
        out
    }
}

/// Compares the subtrees at `i` and `j`; gives where they end.
fn compare(
    a: &[Node],
    i: usize,
    b: &[Node],
    j: usize,
    path: &mut KeyPath,
    out: &mut Vec<Difference>,
) -> (usize, usize) {
    if a[i] != b[j] {
        let (before, after, fixed) = match (&a[i], &b[j]) {
            (Node::Static(x), Node::Static(y)) => (format!("{x:?}"), format!("{y:?}"), true),
            (x, y) => (x.describe(), y.describe(), false),
        };
        out.push(Difference { path: path.clone(), before, after, fixed });
        return (subtree_end(a, i), subtree_end(b, j));
    }
    let mut ends = (i + 1, j + 1);
    for child in 0..a[i].arity() {
        path.push(a[i].key(child));
        ends = compare(a, ends.0, b, ends.1, path, out);
        path.pop();
    }
    ends
}

impl fmt::Display for TreeDef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PyTreeDef(")?;
        print_node(&self.nodes, 0, f)?;
        f.write_str(")")
    }
}

impl fmt::Debug for TreeDef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn print_node(nodes: &[Node], at: usize, f: &mut fmt::Formatter<'_>) -> Result<usize, fmt::Error> {
    let children = |f: &mut fmt::Formatter<'_>, mut next: usize, count: usize| {
        for i in 0..count {
            if i > 0 {
                f.write_str(", ")?;
            }
            next = print_node(nodes, next, f)?;
        }
        Ok::<usize, fmt::Error>(next)
    };
    let next = at + 1;
    match &nodes[at] {
        Node::Leaf => f.write_str("*").map(|()| next),
        Node::None => f.write_str("None").map(|()| next),
        Node::Static(value) => write!(f, "{value:?}").map(|()| next),
        Node::Tuple(count) => {
            f.write_str("(")?;
            let next = children(f, next, *count as usize)?;
            f.write_str(if *count == 1 { ",)" } else { ")" })?;
            Ok(next)
        }
        Node::List(count) => {
            f.write_str("[")?;
            let next = children(f, next, *count as usize)?;
            f.write_str("]")?;
            Ok(next)
        }
        Node::Dict(keys) => {
            f.write_str("{")?;
            let mut next = next;
            for (i, key) in keys.iter().enumerate() {
                write!(f, "{}'{key}': ", if i > 0 { ", " } else { "" })?;
                next = print_node(nodes, next, f)?;
            }
            f.write_str("}")?;
            Ok(next)
        }
        Node::Struct(node) => {
            // Static fields are the node's data and stand in the brackets after its name, as in JAX.
            let mut fields = Vec::with_capacity(node.fields.len());
            let mut end = next;
            for _ in 0..node.fields.len() {
                fields.push(end);
                end = subtree_end(nodes, end);
            }
            let (fixed, dynamic): (Vec<usize>, Vec<usize>) =
                fields.into_iter().partition(|&i| matches!(nodes[i], Node::Static(_)));
            write!(f, "CustomNode({}[(", node.name)?;
            for &i in &fixed {
                print_node(nodes, i, f)?;
                f.write_str(if fixed.len() == 1 { "," } else { "" })?;
                f.write_str(if Some(&i) == fixed.last() { "" } else { ", " })?;
            }
            f.write_str(")], [")?;
            for (k, &i) in dynamic.iter().enumerate() {
                f.write_str(if k > 0 { ", " } else { "" })?;
                print_node(nodes, i, f)?;
            }
            f.write_str("])")?;
            Ok(end)
        }
    }
}

/// One node of a structure, in preorder.
///
/// ```
/// # use jacinth_frontend::tree::Node;
/// assert_eq!((Node::Tuple(3).arity(), Node::Leaf.arity()), (3, 0));
/// ```
#[derive(Clone, Debug)]
pub enum Node {
    /// An array.
    Leaf,
    /// An absent node: `Option::None`.
    None,
    /// A tuple of so many children.
    Tuple(u32),
    /// A list of so many children: a `Vec` or an array.
    List(u32),
    /// A map, by its sorted keys.
    Dict(Arc<[Box<str>]>),
    /// A derived struct, or one variant of a derived enum.
    Struct(&'static NodeType),
    /// A value that is part of the structure: a static field, or `Static`.
    Static(Arc<dyn DynStatic>),
}

impl Node {
    /// How many children follow.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, tree};
    /// let def = tree::structure(&(Array::from(1.0), Array::from(2.0)));
    /// assert_eq!(def.nodes()[0].arity(), 2);
    /// ```
    pub fn arity(&self) -> usize {
        match self {
            Node::Leaf | Node::None | Node::Static(_) => 0,
            Node::Tuple(n) | Node::List(n) => *n as usize,
            Node::Dict(keys) => keys.len(),
            Node::Struct(node) => node.fields.len(),
        }
    }

    /// The key of the `i`-th child.
    fn key(&self, i: usize) -> Key {
        match self {
            Node::Dict(keys) => Key::Dict(keys[i].as_ref().into()),
            Node::Struct(node) => Key::Attr(node.fields[i]),
            _ => Key::Sequence(i),
        }
    }

    pub(crate) fn describe(&self) -> String {
        match self {
            Node::Leaf => "a leaf".into(),
            Node::None => "None".into(),
            Node::Tuple(n) => format!("a tuple of {n}"),
            Node::List(n) => format!("a list of {n}"),
            Node::Dict(keys) => {
                let keys: Vec<String> = keys.iter().map(|k| format!("'{k}'")).collect();
                format!("a dict with keys [{}]", keys.join(", "))
            }
            Node::Struct(node) => node.name.to_string(),
            Node::Static(value) => format!("the static value {value:?}"),
        }
    }
}

impl PartialEq for Node {
    #[inline]
    fn eq(&self, other: &Node) -> bool {
        match (self, other) {
            (Node::Leaf, Node::Leaf) | (Node::None, Node::None) => true,
            (Node::Tuple(a), Node::Tuple(b)) | (Node::List(a), Node::List(b)) => a == b,
            (Node::Struct(a), Node::Struct(b)) => a.same(b),
            (Node::Dict(a), Node::Dict(b)) => Arc::ptr_eq(a, b) || a == b,
            (Node::Static(a), Node::Static(b)) => Arc::ptr_eq(a, b) || a.dyn_eq(&**b),
            _ => false,
        }
    }
}

impl Eq for Node {}

impl Hash for Node {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Node::Leaf => 0u8.hash(state),
            Node::None => 1u8.hash(state),
            Node::Tuple(n) => (2u8, n).hash(state),
            Node::List(n) => (3u8, n).hash(state),
            Node::Dict(keys) => (4u8, keys).hash(state),
            Node::Struct(node) => (5u8, node.path).hash(state),
            Node::Static(value) => {
                6u8.hash(state);
                value.dyn_hash(state);
            }
        }
    }
}

/// What a derived struct, or one variant of a derived enum, is called and what its fields are called.
#[derive(Debug)]
pub struct NodeType {
    /// The type's name; for a variant, `Type::Variant`.
    pub name: &'static str,
    /// The same with its module, which tells apart types of one name.
    pub path: &'static str,
    /// The fields in the order of their declaration, static ones included; of a tuple struct, `0`, `1`, …
    pub fields: &'static [&'static str],
}

impl NodeType {
    #[inline]
    pub(crate) fn same(&'static self, other: &'static NodeType) -> bool {
        std::ptr::eq(self, other) || (self.path == other.path && self.fields == other.fields)
    }
}

/// What a value must be to stand in a structure: comparable, hashable, printable, owned. Implemented for all that are.
pub trait StaticValue: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static {}
impl<T: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static> StaticValue for T {}

/// A [`StaticValue`] of a forgotten type.
pub trait DynStatic: fmt::Debug + Send + Sync + 'static {
    #[doc(hidden)]
    fn as_any(&self) -> &dyn Any;
    #[doc(hidden)]
    fn dyn_eq(&self, other: &dyn DynStatic) -> bool;
    #[doc(hidden)]
    fn dyn_hash(&self, state: &mut dyn Hasher);
}

impl<T: StaticValue> DynStatic for T {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn dyn_eq(&self, other: &dyn DynStatic) -> bool {
        other.as_any().downcast_ref::<T>() == Some(self)
    }
    fn dyn_hash(&self, mut state: &mut dyn Hasher) {
        TypeId::of::<T>().hash(&mut state);
        self.hash(&mut state);
    }
}

/// One step of a key path.
///
/// ```
/// # use jacinth_frontend::tree::Key;
/// let path = [Key::Attr("layers"), Key::Sequence(1), Key::Dict("w".into())].map(|key| key.to_string());
/// assert_eq!(path.concat(), ".layers[1]['w']");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// The element of a tuple or list.
    Sequence(usize),
    /// The entry of a map.
    Dict(Arc<str>),
    /// The field of a struct.
    Attr(&'static str),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Sequence(i) => write!(f, "[{i}]"),
            Key::Dict(key) => write!(f, "['{key}']"),
            Key::Attr(name) => write!(f, ".{name}"),
        }
    }
}

/// The way from the root of a tree to one of its nodes.
pub type KeyPath = Vec<Key>;

/// Prints a key path as one would write it: `[0].layers[1]['w']`.
///
/// ```
/// # use jacinth_frontend::{Array, tree};
/// let x = Array::from(1.0);
/// let (paths, _) = tree::flatten_with_path(&std::collections::BTreeMap::from([("w", vec![x])]));
/// assert_eq!(tree::keystr(&paths[0].0), "['w'][0]");
/// ```
pub fn keystr(path: &[Key]) -> String {
    path.iter().map(Key::to_string).collect()
}

/// The path as an error names it: the root has a name too.
pub(crate) fn place(path: &[Key]) -> String {
    if path.is_empty() { "the root".into() } else { keystr(path) }
}

/// How trees can disagree.
///
/// ```
/// # use jacinth_frontend::{Array, tree::{self, TreeDef, TreeError}};
/// let error = tree::try_unflatten::<Array>(&TreeDef::leaf(), []).unwrap_err();
/// assert!(matches!(error, TreeError::LeafCount { expected: 1, found: 0, .. }));
/// ```
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// Two structures differ, or a structure does not fit the type it should become.
    #[error("pytree structures differ at {}: expected {expected}, found {found}", place(path))]
    Differ { path: KeyPath, expected: String, found: String },
    /// A structure was given too few or too many leaves.
    #[error("the structure {structure} has {expected} leaves, but {found} were given")]
    LeafCount { structure: Box<TreeDef>, expected: usize, found: usize },
    /// A tree of axes is no prefix of the tree it describes.
    #[error(
        "{what} must be a tree prefix of the corresponding value: at {} the specification is {axes}, the value \
         is {found}; the specification as a whole is {whole} and the value {structure}",
        place(path)
    )]
    NoPrefix {
        what: &'static str,
        path: KeyPath,
        axes: String,
        found: String,
        whole: String,
        structure: Box<TreeDef>,
    },
}

/// The sentence, which is what `unwrap` and a `main` that returns the error print.
impl fmt::Debug for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where the subtree that starts at `at` ends.
pub(crate) fn subtree_end(nodes: &[Node], at: usize) -> usize {
    let (mut at, mut open) = (at, 1usize);
    while open > 0 {
        open = open - 1 + nodes[at].arity();
        at += 1;
    }
    at
}

/// The key path of node number `at`.
pub(crate) fn path_at(nodes: &[Node], at: usize) -> KeyPath {
    let mut walk = PathWalk::new(nodes);
    for i in 0..at.min(nodes.len()) {
        walk.step(i);
    }
    walk.path()
}

/// Knows, while the nodes are visited in preorder, the path of the one that comes next.
pub(crate) struct PathWalk<'a> {
    nodes: &'a [Node],
    /// Open nodes, each with the number of the child that comes next.
    open: Vec<(usize, usize)>,
}

impl<'a> PathWalk<'a> {
    pub(crate) fn new(nodes: &'a [Node]) -> PathWalk<'a> {
        PathWalk { nodes, open: Vec::new() }
    }

    pub(crate) fn step(&mut self, i: usize) {
        if self.nodes[i].arity() > 0 {
            self.open.push((i, 0));
            return;
        }
        while let Some((node, next)) = self.open.last_mut() {
            *next += 1;
            if *next < self.nodes[*node].arity() {
                return;
            }
            self.open.pop();
        }
    }

    pub(crate) fn path(&self) -> KeyPath {
        self.open.iter().map(|&(node, next)| self.nodes[node].key(next)).collect()
    }
}
