# Kronecker, Littlewood-Richardson, plethysm, Kostka and restriction multiplicities, written as JSON.
# Usage: gap -q coefficients_gap.g > coefficients_gap.json
#
# Everything is a scalar product of characters of GAP's generic tables "Symmetric"; rows and classes are labelled by
# CharacterParameters and ClassParameters. Only nonzero multiplicities are written, as [partition, multiplicity].

out := OutputTextUser();;
SetPrintFormattingStatus(out, false);;
write := function(arg) CallFuncList(PrintTo, Concatenation([out], arg)); end;;

compact := function(value)
    return Filtered(String(value), letter -> letter <> ' ');
end;;

tables := [];;
table_of := function(n)
    if not IsBound(tables[n]) then tables[n] := CharacterTable("Symmetric", n); fi;
    return tables[n];
end;;
shapes_of := n -> List(CharacterParameters(table_of(n)), parameter -> parameter[2]);;
classes_of := n -> List(ClassParameters(table_of(n)), parameter -> parameter[2]);;
irreducible := function(shape)
    return Irr(table_of(Sum(shape)))[Position(shapes_of(Sum(shape)), shape)];
end;;

decomposition := function(n, chi)
    local numbers, shapes;
    numbers := List(Irr(table_of(n)), irr -> ScalarProduct(table_of(n), chi, irr));
    shapes := shapes_of(n);
    return List(Filtered([1 .. Length(shapes)], i -> numbers[i] <> 0), i -> [shapes[i], numbers[i]]);
end;;

# Induction from a Young subgroup S_k x S_l x ... of a product of characters, by cycle types.
induced := function(characters, sizes)
    local n, classes, values, sub_classes, combination, type, value, order, position;
    n := Sum(sizes);
    classes := classes_of(n);
    values := List(classes, class -> 0);
    sub_classes := List(sizes, k -> [1 .. Length(classes_of(k))]);
    for combination in Cartesian(sub_classes) do
        type := Concatenation(List([1 .. Length(sizes)], i -> classes_of(sizes[i])[combination[i]]));
        position := Position(classes, Reversed(SortedList(type)));
        value := Product([1 .. Length(sizes)], i -> characters[i][combination[i]]);
        order := Product([1 .. Length(sizes)], i -> SizesCentralizers(table_of(sizes[i]))[combination[i]]);
        values[position] := values[position] + value * SizesCentralizers(table_of(n))[position] / order;
    od;
    return ClassFunction(table_of(n), values);
end;;

list_all := function(name, entries, last)
    local i;
    write("\"", name, "\": [\n");
    for i in [1 .. Length(entries)] do
        write(compact(entries[i]));
        if i < Length(entries) then write(",\n"); else write("\n"); fi;
    od;
    if last then write("]\n"); else write("],\n"); fi;
end;;

source := RandomSource(IsMersenneTwister, 2025);;
sample := function(list, count)
    local chosen;
    chosen := ShallowCopy(list);
    while Length(chosen) > count do Remove(chosen, Random(source, 1, Length(chosen))); od;
    return chosen;
end;;

write("{\n\"gap_version\": \"", GAPInfo.Version, "\",\n");;

# [a, b, decomposition of the tensor product]
entries := [];;
for n in [2 .. 8] do
    pairs := sample(UnorderedTuples(Partitions(n), 2), 30);
    for pair in pairs do
        Add(entries, [pair[1], pair[2], decomposition(n, irreducible(pair[1]) * irreducible(pair[2]))]);
    od;
od;
list_all("kronecker", entries, false);;

# [a, b, decomposition of the induced product]
entries := [];;
for n in [2 .. 8] do
    for k in [1 .. QuoInt(n, 2)] do
        for pair in sample(Cartesian(Partitions(k), Partitions(n - k)), 12) do
            Add(entries, [pair[1], pair[2],
                decomposition(n, induced([irreducible(pair[1]), irreducible(pair[2])], [k, n - k]))]);
        od;
    od;
od;
list_all("littlewood_richardson", entries, false);;

# [weight, decomposition of the permutation character on words of this weight]
entries := [];;
for n in [2 .. 8] do
    for weight in sample(Partitions(n), 10) do
        Add(entries, [weight, decomposition(n, induced(List(weight, k -> irreducible([k])), weight))]);
    od;
od;
list_all("kostka", entries, false);;

# [outer, k, decomposition of the character of S_m, inflated to S_k wr S_m and induced to S_km]: the plethysm with (k).
entries := [];;
for k in [2 .. 4] do
    for m in [2 .. QuoInt(10, k)] do
        wreath := WreathProduct(SymmetricGroup(k), SymmetricGroup(m));
        top := Projection(wreath);
        classes := ConjugacyClasses(wreath);
        cycle_type := function(g, degree)
            return Reversed(SortedList(CycleLengths(g, [1 .. degree])));
        end;
        for outer in Partitions(m) do
            values := List(classes_of(k * m), class -> 0);
            for class in classes do
                position := Position(classes_of(k * m), cycle_type(Representative(class), k * m));
                chi := irreducible(outer)[Position(classes_of(m), cycle_type(Image(top, Representative(class)), m))];
                values[position] := values[position] + chi * Size(class) / Size(wreath)
                                    * SizesCentralizers(table_of(k * m))[position];
            od;
            Add(entries, [outer, k, decomposition(k * m, ClassFunction(table_of(k * m), values))]);
        od;
    od;
od;
list_all("plethysm_with_row", entries, false);;

# [shape, V, decomposition]: the natural permutation character of S_V, symmetrised by the shape.
natural_character := n -> ClassFunction(table_of(n), List(classes_of(n), class -> Number(class, part -> part = 1)));;
symmetrised := function(n, chi, shape)
    local size;
    size := Sum(shape);
    return Symmetrizations(table_of(n), [chi], size)[Position(shapes_of(size), shape)];
end;;
entries := [];;
for n in [2 .. 10] do
    for size in [2 .. 5] do
        for shape in Partitions(size) do
            Add(entries, [shape, n, decomposition(n, symmetrised(n, natural_character(n), shape))]);
        od;
    od;
od;
list_all("restriction", entries, false);;

# [outer, inner, V, decomposition]: symmetrised by the inner shape, then by the outer one.
entries := [];;
for pair in [[2, 2], [2, 3], [3, 2], [2, 4], [3, 3]] do
    for outer in Partitions(pair[1]) do
        for inner in Partitions(pair[2]) do
            n := 7;
            Add(entries, [outer, inner, n,
                decomposition(n, symmetrised(n, symmetrised(n, natural_character(n), inner), outer))]);
        od;
    od;
od;
list_all("restricted_plethysm", entries, true);;
write("}\n");;
QUIT;
