import hashlib
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tlog_scales.tlog import (
    ConsistencyProof,
    ConsistencyProofInvalid,
    InclusionProof,
    InclusionProofInvalid,
)

from relais.crypto.merkle import (
    EMPTY_ROOT,
    MAX_SIZE,
    Frontier,
    HashAt,
    ProofError,
    Span,
    Subtree,
    TreeHead,
    consistency_proof,
    consistency_spans,
    inclusion_proof,
    inclusion_spans,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The reference tree of Certificate Transparency: eight entries, its roots at each size, and proofs.
CT_ENTRIES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CT_LEAVES = [leaf_hash(bytes.fromhex(text)) for text in CT_ENTRIES]
SIX_TO_EIGHT = [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]
TWO_TO_FIVE = [
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
]
FIRST_OF_EIGHT = [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
]

leaf_lists = st.lists(st.binary(max_size=4).map(leaf_hash), min_size=1, max_size=70)


def reader(leaves: list[bytes]) -> HashAt:
    def hash_at(level: int, index: int) -> bytes:
        subtree = leaves[index << level : (index + 1) << level]
        assert len(subtree) == 1 << level, "proofs are made of complete subtrees only"
        return root_of(subtree)

    return hash_at


def head_of(leaves: list[bytes]) -> TreeHead:
    return TreeHead(len(leaves), root_of(leaves))


def test_the_tree_is_that_of_certificate_transparency() -> None:
    assert hashlib.sha256(b"").digest() == EMPTY_ROOT
    assert [root_of(CT_LEAVES[:size]).hex() for size in range(9)] == CT_ROOTS


def test_inclusion_proofs_are_those_of_certificate_transparency() -> None:
    proof = inclusion_proof(reader(CT_LEAVES), index=0, size=8)
    assert [value.hex() for value in proof] == FIRST_OF_EIGHT
    last = inclusion_proof(reader(CT_LEAVES), index=2, size=3)
    assert [value.hex() for value in last] == [CT_ROOTS[2]]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [(6, 8, SIX_TO_EIGHT), (2, 5, TWO_TO_FIVE), (1, 8, FIRST_OF_EIGHT), (1, 1, []), (0, 5, [])],
)
def test_consistency_proofs_are_those_of_certificate_transparency(
    old: int, new: int, expected: list[str]
) -> None:
    proof = consistency_proof(reader(CT_LEAVES), old_size=old, new_size=new)
    assert [value.hex() for value in proof] == expected


@given(leaf_lists)
def test_a_frontier_knows_the_root_of_the_definition_after_every_append(
    leaves: list[bytes],
) -> None:
    frontier = Frontier()
    for size, leaf in enumerate(leaves, 1):
        frontier = frontier.append(leaf)
        assert frontier.head() == TreeHead(size, by_definition(leaves[:size]))


def by_definition(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(by_definition(leaves[:k]), by_definition(leaves[k:]))


def test_a_frontier_with_too_few_peaks_is_a_mistake_of_the_caller() -> None:
    assert Frontier(2, (CT_LEAVES[0],)).size == 2
    for size, peaks in [(3, (CT_LEAVES[0],)), (-1, ()), (0, (CT_LEAVES[0],))]:
        with pytest.raises(ValueError, match="one peak per set bit"):
            Frontier(size, peaks)


@given(leaf_lists, st.data())
def test_every_leaf_is_proven_at_its_index_and_at_no_other(
    leaves: list[bytes], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof = inclusion_proof(reader(leaves), index=index, size=len(leaves))
    verify_inclusion(leaves[index], index=index, head=head_of(leaves), proof=proof)
    other = data.draw(st.integers(0, len(leaves) - 1))
    if leaves[other] != leaves[index]:
        with pytest.raises(ProofError):
            verify_inclusion(leaves[index], index=other, head=head_of(leaves), proof=proof)


@given(leaf_lists, st.data())
def test_an_inclusion_proof_with_one_bit_changed_is_refused(
    leaves: list[bytes], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof = inclusion_proof(reader(leaves), index=index, size=len(leaves))
    changed = flip(data, [leaves[index], root_of(leaves), *proof])
    with pytest.raises(ProofError) as caught:
        verify_inclusion(
            changed[0], index=index, head=TreeHead(len(leaves), changed[1]), proof=changed[2:]
        )
    assert caught.value.reason == "root-mismatch"


def flip(data: st.DataObject, values: list[bytes]) -> list[bytes]:
    at = data.draw(st.integers(0, len(values) - 1))
    byte, bit = data.draw(st.integers(0, 31)), data.draw(st.integers(0, 7))
    changed = bytearray(values[at])
    changed[byte] ^= 1 << bit
    return [*values[:at], bytes(changed), *values[at + 1 :]]


@given(leaf_lists, st.data())
def test_every_beginning_of_a_tree_is_proven_to_be_one(
    leaves: list[bytes], data: st.DataObject
) -> None:
    size = data.draw(st.integers(0, len(leaves)))
    proof = consistency_proof(reader(leaves), old_size=size, new_size=len(leaves))
    verify_consistency(head_of(leaves[:size]), head_of(leaves), proof)


@given(leaf_lists, st.data())
def test_no_proof_joins_a_tree_to_one_it_is_not_the_beginning_of(
    leaves: list[bytes], data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, len(leaves)))
    proof = consistency_proof(reader(leaves), old_size=size, new_size=len(leaves))
    changed = flip(data, [root_of(leaves[:size]), root_of(leaves), *proof])
    old, new = TreeHead(size, changed[0]), TreeHead(len(leaves), changed[1])
    with pytest.raises(ProofError) as caught:
        verify_consistency(old, new, changed[2:])
    assert caught.value.reason in {"old-root-mismatch", "new-root-mismatch"}


def test_a_leaf_that_does_not_exist_has_no_proof() -> None:
    assert inclusion_spans(0, 1) == ()
    for index, size in [(1, 1), (-1, 1), (0, 0)]:
        with pytest.raises(ValueError, match="no such leaf"):
            inclusion_spans(index, size)


def test_a_tree_that_shrinks_has_no_proof() -> None:
    assert consistency_spans(1, 2) == (Span(1, 2),)
    for old, new in [(2, 1), (-1, 1)]:
        with pytest.raises(ValueError, match="grows only"):
            consistency_spans(old, new)


def test_a_span_is_cut_into_complete_subtrees_largest_first() -> None:
    assert Span(8, 15).subtrees() == (Subtree(2, 2), Subtree(1, 6), Subtree(0, 14))
    assert Span(0, 0).subtrees() == ()


def test_proofs_reach_up_to_the_largest_size_there_is() -> None:
    spans = inclusion_spans(MAX_SIZE - 1, MAX_SIZE)
    assert len(spans) == 52
    proof = [CT_LEAVES[0]] * len(spans)
    with pytest.raises(ProofError, match="root-mismatch"):
        verify_inclusion(
            CT_LEAVES[1],
            index=MAX_SIZE - 1,
            head=TreeHead(MAX_SIZE, CT_LEAVES[2]),
            proof=proof,
        )
    with pytest.raises(ProofError, match="size-out-of-range"):
        verify_inclusion(
            CT_LEAVES[1], index=0, head=TreeHead(MAX_SIZE + 1, CT_LEAVES[2]), proof=proof
        )


def test_an_independent_library_accepts_and_refuses_the_proofs_of_1000_random_trees() -> None:
    """tlog-scales verifies by the letter of RFC 9162 §2.1.3.2 and §2.1.4.2."""
    chance = random.Random(9162)
    for _ in range(1000):
        size = chance.randint(1, 130)
        leaves = [leaf_hash(chance.randbytes(8)) for _ in range(size)]
        index, old_size = chance.randrange(size), chance.randint(1, size)
        head, old = head_of(leaves), head_of(leaves[:old_size])
        path = inclusion_proof(reader(leaves), index=index, size=size)
        growth = consistency_proof(reader(leaves), old_size=old_size, new_size=size)
        theirs = InclusionProof(index, size, list(path))
        theirs.check(leaves[index], head.root)
        with pytest.raises(InclusionProofInvalid):
            theirs.check(leaves[index], leaf_hash(b"another root"))
        joined = ConsistencyProof(old_size, size, list(growth))
        joined.check(old.root, head.root)
        with pytest.raises(ConsistencyProofInvalid):
            joined.check(leaf_hash(b"another root"), head.root)
        verify_inclusion(leaves[index], index=index, head=head, proof=path)
        verify_consistency(old, head, growth)


@given(leaf_lists, st.data())
def test_an_independent_library_judges_tampered_proofs_the_same(
    leaves: list[bytes], data: st.DataObject
) -> None:
    head = head_of(leaves)
    index = data.draw(st.integers(0, len(leaves)))
    proof = data.draw(st.lists(st.sampled_from([*leaves, head.root]), max_size=8))
    if index < len(leaves) and data.draw(st.booleans()):
        proof = list(inclusion_proof(reader(leaves), index=index, size=len(leaves)))
    leaf = data.draw(st.sampled_from(leaves))
    assert ours(leaf, index, head, proof) == theirs(leaf, index, head, proof)


def ours(leaf: bytes, index: int, head: TreeHead, proof: list[bytes]) -> bool:
    try:
        verify_inclusion(leaf, index=index, head=head, proof=proof)
    except ProofError:
        return False
    return True


def theirs(leaf: bytes, index: int, head: TreeHead, proof: list[bytes]) -> bool:
    try:
        InclusionProof(index, head.size, proof).check(leaf, head.root)
    except InclusionProofInvalid:
        return False
    return True


def test_a_tree_head_is_a_value() -> None:
    head = head_of(CT_LEAVES)
    assert replace(head, size=7) != head
    assert head == TreeHead(8, bytes.fromhex(CT_ROOTS[8]))
