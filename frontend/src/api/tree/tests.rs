//! Trees taken apart and put together, their structures as JAX prints them, errors that name the path.

use super::*;
use std::collections::{BTreeMap, HashMap};
use std::marker::PhantomData;

/// Leaves that can be told apart: the scalar is the index of the name.
static NAMES: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());

fn leaf(name: &str) -> Array {
    let mut names = NAMES.lock().unwrap();
    names.push(name.to_owned());
    Array::scalar(names.len() as i64 - 1, crate::ir::DType::I64, false)
}

trait Named {
    fn name(&self) -> String;
}

impl Named for Array {
    fn name(&self) -> String {
        let index = self.as_literal().expect("made by leaf").value().to_i64().expect("an index");
        NAMES.lock().unwrap()[index as usize].clone()
    }
}

fn names<'a>(leaves: impl IntoIterator<Item = &'a Array>) -> Vec<String> {
    leaves.into_iter().map(|a| a.name()).collect()
}

#[derive(Pytree, Clone, Debug)]
struct Dense {
    w: Array,
    b: Option<Array>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Act {
    Relu,
    Tanh,
}

#[derive(Pytree, Clone, Debug)]
struct Mlp {
    layers: Vec<Dense>,
    #[pytree(static)]
    act: Act,
}

#[derive(Pytree)]
struct Pair<A, B>(A, #[pytree(static)] usize, B);

#[derive(Pytree)]
struct Nothing;

#[derive(Pytree)]
struct Tagged<T, K>
where
    T: Clone,
{
    value: T,
    #[pytree(static)]
    tag: K,
    r#type: PhantomData<K>,
}

#[derive(Pytree, Debug)]
enum Shape {
    Empty,
    Circle { radius: Array },
    Nested(Box<Shape>, Array),
}

fn mlp(act: Act) -> Mlp {
    let layer = |i: usize| Dense { w: leaf(&format!("w{i}")), b: (i == 0).then(|| leaf("b0")) };
    Mlp { layers: vec![layer(0), layer(1)], act }
}

fn round_trip<T: Pytree>(tree: T) -> T {
    let (leaves, def) = flatten(&tree);
    let by_reference = names(&leaves);
    let mut moved = Leaves::new();
    tree.into_leaves(&mut moved);
    assert_eq!(by_reference, names(&moved), "both ways give the same order");
    let again: T = try_unflatten(&def, moved).expect("a tree goes back together");
    assert_eq!(structure(&again), def);
    assert_eq!(names(&self::leaves(&again)), by_reference);
    {
        let mut compare = Flattener::comparing(&def);
        again.flatten(&mut compare);
        assert!(compare.matches());
    }
    again
}

#[test]
fn structures_print_as_in_jax() {
    let x = || leaf("x");
    let dict: BTreeMap<String, Array> = [("b".to_string(), x()), ("a".to_string(), x())].into();
    let cases = [
        (structure(&x()), "PyTreeDef(*)"),
        (structure(&()), "PyTreeDef(())"),
        (structure(&(x(),)), "PyTreeDef((*,))"),
        (structure(&vec![vec![x()], vec![x(), x()]]), "PyTreeDef([[*], [*, *]])"),
        (structure(&([x(), x()], (x(), None::<Array>))), "PyTreeDef(([*, *], (*, None)))"),
        (structure(&dict), "PyTreeDef({'a': *, 'b': *})"),
        (structure(&Nothing), "PyTreeDef(CustomNode(Nothing[()], []))"),
        (structure(&Pair(x(), 3, x())), "PyTreeDef(CustomNode(Pair[(3,)], [*, *]))"),
        (
            structure(&mlp(Act::Relu)),
            "PyTreeDef(CustomNode(Mlp[(Relu,)], [[CustomNode(Dense[()], [*, *]), CustomNode(Dense[()], [*, None])]]))",
        ),
        (structure(&Shape::Circle { radius: x() }), "PyTreeDef(CustomNode(Shape::Circle[()], [*]))"),
    ];
    for (def, expected) in cases {
        assert_eq!(def.to_string(), expected);
    }
}

/// The twins of the trees of `tests/trees/generate.py`, and what JAX says of those.
#[test]
fn structures_and_paths_are_those_of_jax() {
    mod twins {
        use super::{Array, Pytree};

        #[derive(Pytree)]
        pub(super) struct Dense<W> {
            pub(super) w: W,
            pub(super) b: Option<Array>,
        }

        #[derive(Pytree)]
        pub(super) struct Stack {
            pub(super) layers: Vec<Dense<Array>>,
            #[pytree(static)]
            pub(super) depth: i64,
            #[pytree(static)]
            pub(super) width: i64,
        }

        #[derive(Pytree)]
        pub(super) struct Named<T> {
            pub(super) value: T,
            #[pytree(static)]
            pub(super) tag: i64,
        }
    }
    use twins::{Dense, Named, Stack};
    let x = || leaf("x");
    let none = || None::<Array>;
    let map = |keys: &[&str]| keys.iter().map(|k| (k.to_string(), x())).collect::<BTreeMap<String, Array>>();
    let lists: HashMap<String, Vec<Array>> =
        [("z", 2), ("k y", 0), ("a", 1)].map(|(k, n)| (k.to_string(), vec![x(); n])).into();
    let layers = || vec![Dense { w: x(), b: Some(x()) }, Dense { w: x(), b: None }];
    let named: BTreeMap<String, Subtree> = [
        ("model", Subtree::of(&Stack { layers: vec![], depth: 0, width: 0 })),
        ("named", Subtree::of(&Named { value: (), tag: 1 })),
        ("w", Subtree::of(&Dense { w: [x()], b: Some(x()) })),
    ]
    .map(|(k, v)| (k.to_string(), v))
    .into();
    let twins = [
        ("leaf", structure(&x())),
        ("none", structure(&none())),
        ("unit", structure(&())),
        ("one_tuple", structure(&(x(),))),
        ("tuple", structure(&(x(), x(), x()))),
        ("twelve", structure(&(x(), x(), x(), x(), x(), x(), x(), x(), x(), x(), x(), x()))),
        ("list", structure(&[x(), x()])),
        ("empty_list", structure(&Vec::<Array>::new())),
        ("empty_dict", structure(&map(&[]))),
        ("dict", structure(&map(&["b", "a"]))),
        ("dict_of_lists", structure(&lists)),
        (
            "nested",
            structure(&(
                (Subtree::of(&[Subtree::of(&x()), Subtree::of(&(x(), none()))])),
                HashMap::from([("k".to_string(), (map(&["q"]), Vec::<Array>::new()))]),
                Box::new(x()),
            )),
        ),
        ("absent", structure(&vec![None, Some(x()), None])),
        ("struct", structure(&Dense { w: x(), b: Some(x()) })),
        ("struct_with_absent", structure(&Dense { w: x(), b: None })),
        ("struct_with_statics", structure(&Stack { layers: layers(), depth: 3, width: -1 })),
        ("struct_generic", structure(&Named { value: (x(), [x()]), tag: 7 })),
        ("struct_empty", structure(&Nothing)),
        ("structs_in_maps", structure(&named)),
        ("list_of_structs", structure(&[0, 1].map(|tag| Named { value: (x(),), tag }))),
    ];
    let golden = include_str!("../../../tests/trees/golden.txt");
    let texts: Vec<(&str, &str)> =
        golden.split("## ").skip(1).map(|text| text.split_once('\n').expect("a name and a text")).collect();
    assert_eq!(twins.len(), texts.len());
    for ((name, def), (golden_name, golden)) in twins.iter().zip(texts) {
        let path = |path: &KeyPath| if path.is_empty() { "root".to_string() } else { keystr(path) };
        let paths: String = def.paths().iter().map(|p| format!("  {}\n", path(p))).collect();
        assert_eq!((*name, format!("{def}\n{paths}")), (golden_name, golden.to_string()));
    }
}

#[test]
fn parts_of_trees_are_values() {
    let tree = (mlp(Act::Relu), vec![None, Some(leaf("x"))]);
    // Absent nodes as leaves, as with `is_leaf=lambda x: x is None`.
    let parts = leaves_until(&tree, Subtree::is_none);
    assert_eq!(parts.len(), 6);
    let absent: Vec<String> = leaves_with_path_until(&tree, Subtree::is_none)
        .iter()
        .filter(|(_, part)| part.is_none())
        .map(|(path, _)| keystr(path))
        .collect();
    assert_eq!(absent, ["[0].layers[1].b", "[1][0]"]);
    // Whole layers as leaves.
    let is_dense = |part: &Subtree| matches!(part.root(), Node::Struct(node) if node.name == "Dense");
    let (layers, outer) = flatten_until(&tree.0, is_dense);
    assert_eq!(outer.to_string(), "PyTreeDef(CustomNode(Mlp[(Relu,)], [[*, *]]))");
    assert_eq!(names(&layers[0].to::<Dense>().unwrap().b), ["b0"]);
    assert_eq!(outer.flatten_up_to(&tree.0).unwrap().len(), 2);
    let error = outer.flatten_up_to(&mlp(Act::Tanh)).unwrap_err().to_string();
    assert!(error.contains("expected the static value Relu, found the static value Tanh"), "{error}");
    let counted: Subtree = map_until(&tree.0, |part| vec![leaf("n"); part.leaves().len()], is_dense);
    assert_eq!(counted.structure().to_string(), "PyTreeDef(CustomNode(Mlp[(Relu,)], [[[*, *], [*]]]))");
    let filled =
        map_until(&tree.1, |part| part.as_array().cloned().unwrap_or_else(|| leaf("0")), Subtree::is_none);
    assert_eq!(names(&filled.to::<Vec<Array>>().unwrap()), ["0", "x"]);
    let error = filled.to::<(Array, Array)>().unwrap_err().to_string();
    assert_eq!(error, "pytree structures differ at the root: expected a tuple of 2, found a list of 2");
    round_trip((Subtree::of(&tree), Subtree::of(&leaf("y")), Subtree::of(&())));
}

#[test]
fn prefixes_are_broadcast() {
    let full = (mlp(Act::Relu), vec![leaf("x"), leaf("y")]);
    let spread = broadcast(&(leaf("m"), [leaf("a"), leaf("b")]), &full);
    assert_eq!(names(&leaves(&spread)), ["m", "m", "m", "a", "b"]);
    assert_eq!(structure(&spread), structure(&full));
    let error = try_broadcast(&(leaf("m"), (leaf("a"), leaf("b"))), &full).unwrap_err().to_string();
    assert_eq!(error, "pytree structures differ at [1]: expected a tuple of 2, found a list of 2");
    let error = crate::error::boundary(|| broadcast(&vec![leaf("m")], &full)).unwrap_err().to_string();
    assert!(error.starts_with("tree::broadcast: pytree structures differ at the root: expected a list of 1, found a tuple of 2 at "), "{error}");
}

#[test]
fn trees_go_apart_and_together() {
    round_trip(mlp(Act::Tanh));
    round_trip((leaf("a"), [leaf("b"), leaf("c")], vec![(leaf("d"),)], ()));
    round_trip(HashMap::from([("z".to_string(), leaf("1")), ("a".to_string(), leaf("0"))]));
    round_trip(BTreeMap::from([("z".to_string(), vec![leaf("1")]), ("a".to_string(), vec![])]));
    assert_eq!(round_trip(Tagged { value: (leaf("v"),), tag: 'k', r#type: PhantomData }).tag, 'k');
    assert_eq!(*round_trip(Static("text".to_string())), "text");
    assert_eq!(round_trip(Pair(Box::new(leaf("a")), 7, Some(leaf("b")))).1, 7);
    let shape =
        round_trip(Shape::Nested(Box::new(Shape::Nested(Box::new(Shape::Empty), leaf("i"))), leaf("o")));
    assert!(matches!(shape, Shape::Nested(inner, _) if matches!(*inner, Shape::Nested(..))));
    assert!(matches!(round_trip(Shape::Empty), Shape::Empty));
    round_trip(Nothing);
}

#[test]
fn maps_come_in_the_order_of_their_keys() {
    let map = HashMap::from([("z".to_string(), leaf("1")), ("a".to_string(), leaf("0"))]);
    assert_eq!(names(&leaves(&map)), ["0", "1"]);
    // Literals are keys as good as strings.
    let literals = BTreeMap::from([("z", leaf("1")), ("a", leaf("0"))]);
    assert_eq!(structure(&literals), structure(&map));
    let back: BTreeMap<&'static str, Array> = unflatten(&structure(&map), leaves(&literals));
    assert_eq!(back.keys().collect::<Vec<_>>(), [&"a", &"z"]);
    assert_eq!(names(&leaves(&back)), ["0", "1"]);
    let hashed = HashMap::from([("z", leaf("1")), ("a", leaf("0"))]);
    assert_eq!(names(&leaves(&hashed)), ["0", "1"]);
}

#[test]
fn static_values_are_part_of_the_structure() {
    assert_ne!(structure(&mlp(Act::Relu)), structure(&mlp(Act::Tanh)));
    assert_ne!(structure(&Static(1u8)), structure(&Static(1u16)));
    let (known, other) = (structure(&mlp(Act::Relu)), mlp(Act::Tanh));
    let mut compare = Flattener::comparing(&known);
    other.flatten(&mut compare);
    assert!(!compare.matches());
    assert_eq!(compare.leaves().len(), 3, "the leaves are collected all the same");
}

#[test]
fn a_prefix_does_not_match() {
    let known = structure(&(leaf("a"), leaf("b")));
    let mut compare = Flattener::comparing(&known);
    compare.tuple(2);
    leaf_into(&mut compare);
    assert!(!compare.matches());
}

fn leaf_into(out: &mut Flattener<'_>) {
    // Leaked on purpose: the flattener borrows it for as long as it wants.
    out.leaf(Box::leak(Box::new(leaf("a"))));
}

#[test]
fn functions_over_trees() {
    let tree = mlp(Act::Relu);
    let marked = map(&tree, |a| leaf(&format!("{}'", a.name())));
    assert_eq!(names(&leaves(&marked)), ["w0'", "b0'", "w1'"]);
    let joined = map2(&tree, &marked, |a, b| leaf(&format!("{}+{}", a.name(), b.name())));
    assert_eq!(names(&leaves(&joined)), ["w0+w0'", "b0+b0'", "w1+w1'"]);
    let joined = map3(&tree, &marked, &tree, |a, b, c| leaf(&(a.name() + &b.name() + &c.name())));
    assert_eq!(names(&leaves(&joined)), ["w0w0'w0", "b0b0'b0", "w1w1'w1"]);
    assert_eq!(reduce(&tree, String::new(), |s, a| s + &a.name()), "w0b0w1");
    let joined = reduce_associative(&tree, |a, b| leaf(&format!("({}{})", a.name(), b.name())), None);
    assert_eq!(joined.name(), "((w0b0)w1)");
    assert_eq!(reduce_associative(&(), |a, _| a.clone(), Some(leaf("nothing"))).name(), "nothing");
    let error = crate::error::boundary(|| reduce_associative(&(), |a, _| a.clone(), None)).unwrap_err();
    assert!(error.to_string().contains("needs an identity"), "{error}");
    let (all_leaves, def) = flatten(&tree);
    assert_eq!(names(&leaves(&unflatten::<Mlp>(&def, all_leaves))), ["w0", "b0", "w1"]);
    assert!(all(&tree, |a| a.name().len() == 2));
    assert!(!all(&tree, |a| a.name().starts_with('w')));
    assert!(any(&tree, |a| a.name().starts_with('b')) && !any(&(), |_| true));
    assert_eq!(keystr(&leaves_with_path(&tree)[2].0), ".layers[1].w");
    let (inner, outer) = (structure(&(leaf(""), leaf(""))), structure(&vec![leaf(""); 3]));
    let tree = vec![(leaf("a0"), leaf("b0")), (leaf("a1"), leaf("b1")), (leaf("a2"), leaf("b2"))];
    let turned: (Vec<Array>, Vec<Array>) = transpose(&outer, &inner, &tree);
    assert_eq!(names(&turned.0), ["a0", "a1", "a2"]);
    assert_eq!(names(&turned.1), ["b0", "b1", "b2"]);
    assert_eq!(structure(&tree).children(), vec![inner.clone(); 3]);
    assert_eq!(outer.compose(&inner), structure(&tree));
}

#[test]
fn key_paths_read_like_rust_and_python() {
    let tree = (mlp(Act::Relu), HashMap::from([("k".to_string(), [Pair(leaf("x"), 0, ())])]));
    let (paths, _) = flatten_with_path(&tree);
    let paths: Vec<String> = paths.iter().map(|(path, _)| keystr(path)).collect();
    assert_eq!(paths, ["[0].layers[0].w", "[0].layers[0].b", "[0].layers[1].w", "[1]['k'][0].0"]);
    let named = map_with_path(&mlp(Act::Relu), |path, _| leaf(&keystr(path)));
    assert_eq!(names(&leaves(&named)), [".layers[0].w", ".layers[0].b", ".layers[1].w"]);
}

#[test]
fn errors_name_the_path() {
    let (a, mut b) = (mlp(Act::Relu), mlp(Act::Relu));
    b.layers[1].b = Some(leaf("more"));
    let error = try_map2(&a, &b, |a, _| a.clone()).unwrap_err();
    assert_eq!(error.to_string(), "pytree structures differ at .layers[1].b: expected None, found a leaf");
    let line = line!() + 1;
    let raised = crate::error::boundary(|| map2(&a, &b, |a, _| a.clone())).unwrap_err().to_string();
    assert!(
        raised.starts_with("tree::map2: pytree structures differ at .layers[1].b: expected None"),
        "{raised}"
    );
    assert!(raised.contains(&format!("tests.rs:{line}:")), "{raised}");
    let error =
        try_unflatten::<(Array, Array)>(&structure(&vec![leaf("x"); 2]), [leaf("x"), leaf("y")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "pytree structures differ at the root: expected a tuple of 2, found a list of 2"
    );
    let error = try_unflatten::<Array>(&TreeDef::leaf(), []).unwrap_err();
    assert_eq!(error.to_string(), "the structure PyTreeDef(*) has 1 leaves, but 0 were given");
    let error = try_unflatten::<Shape>(&structure(&Nothing), []).unwrap_err();
    assert_eq!(
        error.to_string(),
        "pytree structures differ at the root: expected Shape::Empty or Shape::Circle or Shape::Nested, found Nothing"
    );
    let error = structure(&vec![leaf("a"); 2]).expect(&structure(&vec![leaf("a"); 3])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "pytree structures differ at the root: expected a list of 2, found a list of 3"
    );
}

#[test]
fn axes_spread_over_the_leaves() {
    let tree = ((leaf("a"), vec![leaf("b"), leaf("c")]), leaf("d"));
    let def = structure(&tree);
    let spread = |axes: Axes| axes.broadcast("vmap in_axes", &def).map_err(|e| e.to_string());
    assert_eq!(spread(0.into()), Ok(vec![Some(0); 4]));
    assert_eq!(spread((None, 0).into()), Ok(vec![None, None, None, Some(0)]));
    assert_eq!(spread(((1, [None, Some(-1)]), 0).into()), Ok(vec![Some(1), None, Some(-1), Some(0)]));
    assert_eq!(
        spread(((0, (0, 0)), None).into()),
        Err("vmap in_axes must be a tree prefix of the corresponding value: at [0][1] the specification is (0, 0), \
             the value is a list of 2; the specification as a whole is ((0, (0, 0)), None) and the value \
             PyTreeDef(((*, [*, *]), *))"
            .to_string())
    );
}

#[test]
fn axes_name_keys_and_fields() {
    let tree =
        (mlp(Act::Relu), BTreeMap::from([("k1".to_string(), leaf("x")), ("k2".to_string(), leaf("y"))]));
    let def = structure(&tree);
    let dict = Axes::from(BTreeMap::from([("k1", Axes::None), ("k2", 0.into())]));
    let by_field = Axes::from(BTreeMap::from([("layers", 1)]));
    let axes = Axes::Tuple(vec![by_field, dict.clone()]).broadcast("vmap in_axes", &def);
    assert_eq!(axes, Ok(vec![Some(1), Some(1), Some(1), None, Some(0)]));
    let wrong = Axes::Tuple(vec![dict, 0.into()]).broadcast("vmap in_axes", &def).unwrap_err();
    assert!(
        wrong.to_string().contains("at [0] the specification is {'k1': None, 'k2': 0}, the value is Mlp"),
        "{wrong}"
    );
    let missing = Axes::Tuple(vec![Axes::Dict(BTreeMap::new()), 0.into()]).broadcast("vmap in_axes", &def);
    assert!(missing.unwrap_err().to_string().contains("at [0].layers the specification is absent"));
}
