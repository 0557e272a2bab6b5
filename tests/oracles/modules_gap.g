# Decompositions of Young permutation modules and products in Q[S_n], written as JSON.
# Usage: gap -q modules_gap.g > modules_gap.json
#
# Irreps carry their partitions: CharacterParameters of GAP's generic table "Symmetric". An element of Q[S_n] is a list of
# triples: images of 1..n, numerator, denominator. GAP multiplies permutations as sympy does, first p, then q.

out := OutputTextUser();;
SetPrintFormattingStatus(out, false);;
write := function(arg) CallFuncList(PrintTo, Concatenation([out], arg)); end;;

# Nested lists as JSON. String alone would write [ 1, 2, 3, 4 ] as [ 1 .. 4 ].
compact := function(value)
  if IsList(value) then
    return Concatenation("[", JoinStringsWithSeparator(List(value, compact), ","), "]");
  fi;
  return String(value);
end;

# Young's subgroup of a composition without zeros, on consecutive points.
YoungSubgroup := function(composition)
  local start, part, generators;
  start := 0; generators := [];
  for part in composition do
    if part > 1 then
      Append(generators, List(GeneratorsOfGroup(SymmetricGroup([start + 1 .. start + part]))));
    fi;
    start := start + part;
  od;
  return Group(generators, ());
end;

YoungModule := function(composition)
  local n, table, values, multiplicities, labels;
  n := Sum(composition);
  table := CharacterTable("Symmetric", n);
  labels := List(CharacterParameters(table), parameter -> parameter[2]);
  # The permutation character on classes: fixed cosets of one element per class.
  values := List(ClassParameters(table), function(parameter)
    local cycles, images, start, part, g;
    images := []; start := 0;
    for part in parameter[2] do
      Append(images, Concatenation([start + 2 .. start + part], [start + 1]));
      start := start + part;
    od;
    g := PermList(images);
    return Number(RightCosets(SymmetricGroup(n), YoungSubgroup(composition)), coset -> coset * g = coset);
  end);
  multiplicities := List(Irr(table), chi -> ScalarProduct(table, chi, values));
  return Filtered(TransposedMat([labels, multiplicities]), pair -> pair[2] > 0);
end;

Written := function(n, element)
  local list;
  # Permutations and coefficients alternate.
  list := CoefficientsAndMagmaElements(element);
  return List([1, 3 .. Length(list) - 1], i -> [ListPerm(list[i], n), NumeratorRat(list[i + 1]), DenominatorRat(list[i + 1])]);
end;

# Pseudo-random elements of the group ring from a fixed seed, and their products.
RandomElement := function(source, embedding, group, n, size)
  return Sum([1 .. size], i -> (Random(source, [-6 .. 6]) / Random(source, [1 .. 4])) * (Random(source, group) ^ embedding));
end;

Product_ := function(n, size)
  local group, embedding, source, a, b;
  group := SymmetricGroup(n);
  embedding := Embedding(group, GroupRing(Rationals, group));
  source := RandomSource(IsMersenneTwister, 100 * n + size);
  a := RandomElement(source, embedding, AsList(group), n, size);
  b := RandomElement(source, embedding, AsList(group), n, size);
  return [Written(n, a), Written(n, b), Written(n, a * b)];
end;

compositions := [[2, 1], [1, 2, 1], [2, 2], [3, 2], [2, 1, 2], [1, 1, 1, 2], [3, 3], [2, 2, 2], [3, 1, 2], [1, 4, 1],
                 [2, 1, 1, 2]];
write("{\n\"gap_version\": \"", GAPInfo.Version, "\",\n\"young_modules\": [\n");
for composition in compositions do
  write("[", compact(composition), ",", compact(YoungModule(composition)), "]");
  if composition <> Last(compositions) then write(",\n"); fi;
od;
sizes := [[4, 12], [5, 20], [5, 40]];
write("\n],\n\"products\": [\n");
for case in sizes do
  write("{\"n\": ", case[1], ", \"factors_and_product\": ", compact(Product_(case[1], case[2])), "}");
  if case <> Last(sizes) then write(",\n"); fi;
od;
write("\n]\n}\n");
QUIT;
