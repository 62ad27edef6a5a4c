// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IGathering} from "../../src/interfaces/IGathering.sol";
import {IRoster} from "../../src/interfaces/IRoster.sol";
import {Entries} from "../../src/lib/Entries.sol";
import {Campaign} from "../support/Campaign.sol";
import {GatherDesk, Gathered} from "../support/GatherDesk.sol";

/// @notice Plays gatherers, some of them liars, strikers and those left out, round after round: each
///         step is one call that is allowed at that moment, or none.
contract GatheringPlay is GatherDesk {
    uint32 internal constant NODES = 9;
    address internal constant STRIKER = address(0x57121CE);

    struct Play {
        Gathered list;
        bool lies;
        uint256 at; // the entry that is wrong
    }

    uint64 internal round;
    mapping(uint64 round => mapping(IGathering.Kind kind => Play[])) internal plays;
    mapping(uint64 round => IRoster.Forced[]) internal forced;
    mapping(uint64 round => mapping(uint32 node => bool)) internal revealed;

    uint256 public posted;
    uint256 public returned;
    uint256 public struck;
    uint256 public forcedCommitments;
    uint256 public forcedReveals;
    uint256 public sealedRounds;

    constructor() {
        deployGathering(NODES);
        stated.seat(2, 3);
        stated.seat(6, 0);
        _open();
    }

    function _open() internal {
        round = openRound();
        gathering.draw();
    }

    /// @notice One step; the choice of call is weighted towards what moves a round on.
    function step(uint256 choice, uint256 seed) external {
        choice %= 100;
        IGathering.Kind kind = COMMITMENTS;
        if (gathering.stageOf(round, COMMITMENTS) == IGathering.Stage.Over) kind = REVEALS;
        IGathering.Stage stage = gathering.stageOf(round, kind);
        if (choice < 25) {
            mine(1 + seed % 12);
        } else if (choice < 35) {
            _release(kind, seed);
        } else if (stage == IGathering.Stage.Gather && choice < 75) {
            _post(kind, seed);
        } else if (stage == IGathering.Stage.Gather || stage == IGathering.Stage.Strike) {
            _strike(kind, seed);
        } else if (stage == IGathering.Stage.Force && kind == COMMITMENTS) {
            _forceCommitment(seed);
        } else if (stage == IGathering.Stage.Force) {
            _forceReveal(seed);
        } else if (stage == IGathering.Stage.Over) {
            _seal();
        }
    }

    function _some(uint256 mask) internal pure returns (uint32[] memory nodes) {
        nodes = new uint32[](NODES);
        uint256 count = 0;
        for (uint32 i = 0; i < NODES; ++i) {
            if ((mask >> i) & 1 == 1 && i != 6) nodes[count++] = i;
        }
        assembly ("memory-safe") {
            mstore(nodes, count)
        }
    }

    function _taken(IGathering.Kind kind) internal view returns (Gathered memory list) {
        (bool found, uint256 id) = gathering.taken(round, kind);
        if (found) list = plays[round][kind][id].list;
    }

    /// @notice Nodes that the round knows a commitment of, and where it stands.
    function _openable(uint256 mask)
        internal
        view
        returns (uint32[] memory nodes, uint256[] memory from)
    {
        Gathered memory list = _taken(COMMITMENTS);
        uint32[] memory all = _some(mask);
        uint256[] memory where = fromOf(list, all);
        (nodes, from) = (new uint32[](all.length), new uint256[](all.length));
        uint256 count = 0;
        for (uint256 i = 0; i < all.length; ++i) {
            bool own = gathering.forcedCommitment(round, all[i]) != 0;
            if (!own && where[i] == Entries.FORCED) continue;
            (nodes[count], from[count++]) = (all[i], own ? Entries.FORCED : where[i]);
        }
        assembly ("memory-safe") {
            mstore(nodes, count)
            mstore(from, count)
        }
    }

    function _post(IGathering.Kind kind, uint256 seed) internal {
        uint32 node = gathererOf(round, seed % 8);
        for (uint256 i = 0; i < gathering.listCount(round, kind); ++i) {
            if (gathering.listAt(round, kind, i).gatherer == node) return;
        }
        Gathered memory list;
        if (kind == COMMITMENTS) {
            uint32[] memory nodes = _some(seed >> 8);
            if (nodes.length == 0) return;
            list = commitments(round, nodes);
        } else {
            (uint32[] memory nodes, uint256[] memory from) = _openable(seed >> 8);
            if (nodes.length == 0) return;
            list = reveals(round, nodes, from);
        }
        bool lies = seed >> 250 < 32;
        uint256 at = (seed >> 32) % list.words.length;
        if (lies) list.words[at][kind == COMMITMENTS ? 3 : 2] ^= bytes32(uint256(1));
        plays[round][kind].push(Play(list, lies, at));
        token.transfer(keyOf(node), BOND);
        post(round, kind, node, list);
        ++posted;
    }

    /// @notice A lie falls, and what is none is refused.
    function _strike(IGathering.Kind kind, uint256 seed) internal {
        uint256 count = plays[round][kind].length;
        if (count == 0) return;
        uint256 id = seed % count;
        if (gathering.listAt(round, kind, id).struck) return;
        Play memory play = plays[round][kind][id];
        IGathering.Entry memory entry = entryOf(play.list, play.at);
        IGathering.Entry memory shown;
        uint256 from = uint256(entry.words[0]) >> 64;
        if (kind == REVEALS && from != Entries.FORCED) shown = entryOf(_taken(COMMITMENTS), from);
        vm.prank(STRIKER);
        if (!play.lies) vm.expectRevert(abi.encodeWithSelector(IGathering.Holds.selector, id));
        if (kind == COMMITMENTS) gathering.strikeEntry(round, kind, id, entry);
        else gathering.strikeCommitment(round, id, entry, shown);
        if (play.lies) ++struck;
    }

    function _forceCommitment(uint256 seed) internal {
        uint32 node = uint32(seed % NODES);
        Gathered memory list = _taken(COMMITMENTS);
        uint32[] memory own = new uint32[](1);
        own[0] = node;
        bool is_ = node == 6 || fromOf(list, own)[0] != Entries.FORCED;
        if (is_ || gathering.forcedCommitment(round, node) != 0) return;
        bytes32 commitment = commitmentOf(round, node);
        IGathering.Entry[] memory beside;
        if (list.words.length > 0) beside = besideOf(list, node);
        vm.prank(keyOf(node));
        gathering.forceCommitment(round, commitment, beside);
        ++forcedCommitments;
    }

    function _forceReveal(uint256 seed) internal {
        (uint32[] memory nodes, uint256[] memory from) = _openable(1 << (seed % NODES));
        if (nodes.length == 0 || revealed[round][nodes[0]]) return;
        Gathered memory list = _taken(REVEALS);
        if (fromOf(list, nodes)[0] != Entries.FORCED) return;
        IGathering.Entry[] memory beside;
        if (list.words.length > 0) beside = besideOf(list, nodes[0]);
        IGathering.Entry memory opened;
        if (from[0] != Entries.FORCED) opened = entryOf(_taken(COMMITMENTS), from[0]);
        // Whose commitment stands with another signature, or salt, has itself to blame.
        IGathering.Reveal memory reveal = revealOf(nodes[0]);
        vm.prank(keyOf(nodes[0]));
        gathering.forceReveal(round, reveal, opened, beside);
        uint32 rows = enrolment.rowsOf(round, nodes[0]);
        forced[round].push(IRoster.Forced(nodes[0], rows, reveal.updateRoot));
        revealed[round][nodes[0]] = true;
        ++forcedReveals;
    }

    /// @notice Seals what there is by its definition, and opens the next round.
    function _seal() internal {
        IRoster.Forced[] memory added = forced[round];
        Gathered memory list = _taken(REVEALS);
        if (added.length > 0 || list.words.length > 0) {
            roster.seal(round, added, tailOf(list, added));
            (, bytes32 root) = roster.inputsOf(round);
            vm.assertEq(root, inputsRootOf(list, added), "by definition");
            _eachOnce(list, added);
            ++sealedRounds;
        }
        _open();
    }

    function _eachOnce(Gathered memory list, IRoster.Forced[] memory added) internal view {
        uint32[] memory own = new uint32[](1);
        for (uint256 i = 0; i < added.length; ++i) {
            own[0] = added[i].node;
            vm.assertEq(fromOf(list, own)[0], Entries.FORCED, "in one of the two");
            for (uint256 j = 0; j < i; ++j) {
                vm.assertTrue(added[i].node != added[j].node, "forced once");
            }
        }
    }

    function _release(IGathering.Kind kind, uint256 seed) internal {
        uint64 which = uint64(1 + seed % round);
        uint256 count = gathering.listCount(which, kind);
        if (count == 0 || gathering.stageOf(which, kind) <= IGathering.Stage.Strike) return;
        uint256 id = (seed >> 64) % count;
        if (!gathering.listAt(which, kind, id).bondHeld) return;
        gathering.release(which, kind, id);
        ++returned;
    }

    // What must hold.

    function checkMoney() external view {
        uint256 held = posted - returned - struck;
        vm.assertEq(token.balanceOf(address(gathering)), held * BOND, "bonds held");
        vm.assertEq(token.balanceOf(STRIKER), struck * BOUNTY, "bounties");
        uint256 burnt = 1_000_000_000e18 - token.totalSupply();
        vm.assertEq(burnt, struck * (BOND - BOUNTY), "burnt");
    }

    /// @notice No list that holds was struck, and the taken one has most rows of those that stand.
    function checkTaken() external view {
        for (uint8 i = 0; i < 2; ++i) {
            IGathering.Kind kind = IGathering.Kind(i);
            (bool found, uint256 id) = gathering.taken(round, kind);
            for (uint256 j = 0; j < gathering.listCount(round, kind); ++j) {
                IGathering.List memory list = gathering.listAt(round, kind, j);
                vm.assertTrue(!list.struck || plays[round][kind][j].lies, "honest lists stand");
                if (list.struck) continue;
                vm.assertTrue(found, "one is taken");
                vm.assertLe(list.rows, gathering.listAt(round, kind, id).rows);
            }
        }
    }
}

contract GatheringInvariants is Campaign {
    GatheringPlay internal play;

    function setUp() public {
        play = new GatheringPlay();
    }

    function player() internal view override returns (address) {
        return address(play);
    }

    /// forge-config: default.invariant.runs = 24
    function invariant_lists() external view {
        check();
    }

    function check() internal view {
        play.checkMoney();
        play.checkTaken();
    }

    /// @notice The play reaches every corner that the invariants are about.
    function test_play_reachesEverything() external {
        for (uint256 i = 0; i < 1500; ++i) {
            uint256 seed = uint256(keccak256(abi.encode("lists", i)));
            play.step(seed >> 128, seed);
            if (i % 25 == 0) check();
        }
        check();
        vm.assertGt(play.posted(), 20);
        vm.assertGt(play.returned(), 5);
        vm.assertGt(play.struck(), 5);
        vm.assertGt(play.forcedCommitments(), 5);
        vm.assertGt(play.forcedReveals(), 5);
        vm.assertGt(play.sealedRounds(), 5);
    }
}
