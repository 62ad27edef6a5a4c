// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Arithmetic} from "../../src/Arithmetic.sol";
import {AssayToken} from "../../src/AssayToken.sol";
import {Court} from "../../src/Court.sol";
import {PrivateRounds} from "../../src/PrivateRounds.sol";
import {Programs} from "../../src/Programs.sol";
import {Referee} from "../../src/Referee.sol";
import {Registry} from "../../src/Registry.sol";
import {Rewards} from "../../src/Rewards.sol";
import {ICourt} from "../../src/interfaces/ICourt.sol";
import {IPrivateRounds} from "../../src/interfaces/IPrivateRounds.sol";
import {Header} from "../../src/lib/Header.sol";
import {Inputs} from "../../src/lib/Inputs.sol";
import {Tree} from "../../src/lib/Tree.sol";
import {Records} from "./Records.sol";

/// @notice A private job with its court, and nodes that hold what they should.
abstract contract PrivateDesk is Records {
    uint256 internal constant STAKE = 1000e18;
    uint256 internal constant BOND = 10e18;
    uint256 internal constant GONE = 3e18;
    uint256 internal constant LIE = 40e18;
    uint64 internal constant BUDGET_GWEI = 100e9;
    uint64 internal constant WINDOW = 3;
    uint64 internal constant CLOCK = 50;
    uint32 internal constant LENGTH = 64;
    uint32 internal constant SIZE = 3;
    uint32 internal constant QUORUM = 2;
    uint32 internal constant WIDTH = 64;
    uint64 internal constant BLOCKS = 10;
    uint64 internal constant TURN = 4;

    AssayToken internal token;
    Registry internal registry;
    Programs internal programs;
    Court internal court;
    Rewards internal rewards;
    PrivateRounds internal rounds;
    uint32 internal nodes;

    function deployPrivate(uint32 count) internal {
        vm.roll(100);
        nodes = count;
        token = new AssayToken(address(this), 1_000_000_000e18);
        uint256 nonce = vm.getNonce(address(this));
        address predicted = vm.computeCreateAddress(address(this), nonce + 6);
        address[] memory consumers = new address[](1);
        consumers[0] = predicted;
        registry = new Registry(token, predicted, STAKE / 10, 1000);
        programs = new Programs(token, BOND, WINDOW);
        Referee referee = new Referee(new Arithmetic());
        Court.Terms memory terms = Court.Terms({
            bond: BOND, windowBlocks: WINDOW, clockBlocks: CLOCK, gasPriceCap: 1e11, gasRate: 1e18
        });
        court = new Court(token, programs, referee, terms, consumers);
        rewards = new Rewards(token, registry, predicted, LENGTH);
        rounds = new PrivateRounds(registry, court, rewards, configuration());
        vm.assertEq(address(rounds), predicted);
        token.approve(address(programs), type(uint256).max);
        register(configuration().partialPrograms);
        register(configuration().aggregatePrograms);
        mine(WINDOW + 1);
        token.approve(address(rewards), type(uint256).max);
        rewards.fund(1_000_000e18);
        for (uint32 i = 0; i < count; ++i) {
            join(i);
        }
    }

    function register(bytes32[] memory hashes) private {
        for (uint256 i = 0; i < hashes.length; ++i) {
            programs.register(hashes[i], "");
        }
    }

    function join(uint32 node) private {
        token.transfer(keyOf(node), STAKE + 1000e18);
        vm.startPrank(keyOf(node));
        token.approve(address(registry), type(uint256).max);
        token.approve(address(court), type(uint256).max);
        uint32 index = registry.join(keyOf(node), keccak256(abi.encode(node)), "127.0.0.1:1", STAKE);
        vm.stopPrank();
        vm.assertEq(index, node);
    }

    /// @notice One seat for each node: the stakes are equal.
    function configuration() internal view returns (IPrivateRounds.Config memory config) {
        bytes32[] memory partials = new bytes32[](3 * SIZE / 2 - 2);
        for (uint256 i = 0; i < partials.length; ++i) {
            partials[i] = Header.hash(partialHeader(i + 3));
        }
        bytes32[] memory aggregates = new bytes32[](nodes / SIZE + 1 - QUORUM);
        for (uint256 i = 0; i < aggregates.length; ++i) {
            aggregates[i] = Header.hash(aggregateHeader(i + QUORUM));
        }
        config = IPrivateRounds.Config({
            job: keccak256("private job"),
            nodes: 2 * SIZE,
            capacity: nodes,
            size: SIZE,
            quorum: QUORUM,
            cumulativeLength: LENGTH,
            commitBlocks: BLOCKS,
            reportBlocks: BLOCKS,
            sumBlocks: BLOCKS,
            judgeBlocks: BLOCKS,
            aggregateBlocks: TURN,
            width: WIDTH,
            budgetGwei: BUDGET_GWEI,
            gonePenalty: GONE,
            liePenalty: LIE,
            initialModel: keccak256("model"),
            initialCumulative: keccak256("cumulative"),
            partialPrograms: partials,
            aggregatePrograms: aggregates
        });
    }

    /// @notice One op, which is the output.
    function partialHeader(uint256 trainers) internal pure returns (bytes memory) {
        return bytes.concat(
            hex"01000000010000000000000000000000", keccak256(abi.encode("partial", trainers))
        );
    }

    /// @notice Four ops, each an output.
    function aggregateHeader(uint256 rows) internal pure returns (bytes memory) {
        bytes32 opsRoot = keccak256(abi.encode("private", rows));
        return bytes.concat(hex"04000000040000000000000001000000020000000300000000000000", opsRoot);
    }

    function keyOf(uint32 node) internal pure returns (address) {
        return address(uint160(0xA11CE00) + node);
    }

    function round() internal view returns (IPrivateRounds.Round memory current) {
        (current,,) = rounds.current();
    }

    function seatOf(uint256 place) internal view returns (IPrivateRounds.Seat memory) {
        (, IPrivateRounds.Seat[] memory seats,) = rounds.current();
        return seats[place];
    }

    function bucketOf(uint256 bucket) internal view returns (IPrivateRounds.Bucket memory) {
        (,, IPrivateRounds.Bucket[] memory buckets) = rounds.current();
        return buckets[bucket];
    }

    function bucketCount() internal view returns (uint256) {
        (,, IPrivateRounds.Bucket[] memory buckets) = rounds.current();
        return buckets.length;
    }

    function expectPhase(IPrivateRounds.Phase phase) internal view {
        vm.assertEq(uint256(round().phase), uint256(phase));
    }

    // What nodes do; place p is node p.

    function sharesOf(uint32 node) internal view returns (bytes32[3] memory shares) {
        uint64 number = round().number;
        for (uint256 i = 0; i < 3; ++i) {
            shares[i] = keccak256(abi.encode("share", number, node, i));
        }
    }

    function commitAs(uint32 node) internal {
        bytes32[3] memory shares = sharesOf(node);
        uint64 number = round().number;
        vm.prank(keyOf(node));
        rounds.commit(number, shares);
    }

    /// @notice Opens a round in which the first `count` nodes commit, up to the draw of the buckets.
    function toReports(uint32 count) internal {
        rounds.open();
        mine(1);
        for (uint32 i = 0; i < count; ++i) {
            commitAs(i);
        }
        if (count < nodes) mine(BLOCKS + 1);
        rounds.advance();
        mine(1);
        rounds.advance();
        expectPhase(IPrivateRounds.Phase.Report);
    }

    function memberKey(uint256 bucket, uint256 member) internal view returns (address) {
        return keyOf(seatOf(bucketOf(bucket).members[member]).index);
    }

    function reportAs(uint256 bucket, uint256 member, uint32[2] memory held) internal {
        address key = memberKey(bucket, member);
        uint64 number = round().number;
        vm.prank(key);
        rounds.report(number, bucket, member, held);
    }

    /// @notice Everybody holds everything.
    function toSums() internal {
        for (uint256 i = 0; i < bucketCount(); ++i) {
            uint32 all = bucketOf(i).trainers;
            for (uint256 j = 0; j < 3; ++j) {
                reportAs(i, j, [all, all]);
            }
        }
        expectPhase(IPrivateRounds.Phase.Sum);
    }

    /// @notice What honest holders state of a share, and `lie` is anything else.
    function sumOf(uint256 bucket, uint256 share, uint8 lie)
        internal
        pure
        returns (bytes memory data)
    {
        data = new bytes(4 * WIDTH);
        (data[0], data[1], data[2]) = (bytes1(uint8(bucket + 1)), bytes1(uint8(share)), bytes1(lie));
    }

    /// @dev `lies` is one for each of the member's two shares.
    function stateAs(uint256 bucket, uint256 member, uint8[2] memory lies) internal {
        address key = memberKey(bucket, member);
        uint64 number = round().number;
        bytes memory first = sumOf(bucket, (member + 1) % 3, lies[0]);
        bytes memory second = sumOf(bucket, (member + 2) % 3, lies[1]);
        vm.prank(key);
        rounds.state(number, bucket, member, first, second);
    }

    function toEnd() internal {
        for (uint256 i = 0; i < bucketCount(); ++i) {
            for (uint256 j = 0; j < 3; ++j) {
                stateAs(i, j, [0, 0]);
            }
        }
    }

    /// @notice The aggregation's inputs, laid out once more: by bucket, shares in order.
    function inputsRoot(uint256 rows) internal view returns (bytes32) {
        (, IPrivateRounds.Seat[] memory seats, IPrivateRounds.Bucket[] memory buckets) =
            rounds.current();
        bytes32[] memory roots = new bytes32[](7 + 3 * rows);
        bytes[4] memory lists = [new bytes(128), new bytes(128), new bytes(128), new bytes(128)];
        uint256 at = 0;
        for (uint256 i = 0; i < buckets.length; ++i) {
            uint8 count = 0;
            for (uint256 place = 0; place < seats.length; ++place) {
                if ((buckets[i].roll >> place) & 1 == 0) continue;
                lists[0][4 * at] = bytes1(uint8(seats[place].index));
                lists[1][4 * at] = bytes1(uint8(seats[place].rows));
                lists[2][4 * at] = bytes1(uint8(i));
                (++at, ++count);
            }
            lists[3][4 * i] = bytes1(count);
            for (uint256 share = 0; share < 3; ++share) {
                roots[7 + 3 * i + share] = this.rootOf(sumOf(i, share, 0));
            }
        }
        (roots[0], roots[1]) = (rounds.modelRoot(), rounds.cumulativeRoot());
        roots[2] = Inputs.budgetRoot(BUDGET_GWEI);
        for (uint256 i = 0; i < 4; ++i) {
            roots[3 + i] = Tree.leaf(lists[i]);
        }
        return Tree.root(roots);
    }

    function sharesRoot(uint256 bucket, uint256 share) internal view returns (bytes32) {
        (, IPrivateRounds.Seat[] memory seats,) = rounds.current();
        return rounds.desk().sharesRoot(seats, bucketOf(bucket).roll, share);
    }

    function rootOf(bytes calldata data) external pure returns (bytes32) {
        return Tree.tensorRoot4(data);
    }

    function result() internal pure returns (bytes32[] memory roots, bytes memory accepted) {
        accepted = new bytes(128);
        (accepted[0], accepted[4]) = (0x01, 0x01);
        roots = new bytes32[](4);
        roots[0] = keccak256("params");
        roots[1] = Tree.leaf(accepted);
        roots[2] = keccak256("distance");
        roots[3] = keccak256("pay");
    }

    function postAs(address key) internal returns (uint256 claim) {
        (bytes32[] memory roots,) = result();
        bytes32 outputsRoot = Tree.root(roots);
        uint64 number = round().number;
        vm.prank(key);
        claim = rounds.postResult(number, outputsRoot);
    }

    function settle() internal {
        (bytes32[] memory roots, bytes memory accepted) = result();
        rounds.settle(round().number, roots, accepted);
    }

    /// @notice Convicts a claim whose asserter stays silent.
    function convict(uint256 id, address challenger, bytes memory header) internal {
        vm.recordLogs();
        vm.prank(challenger);
        uint256 dispute = court.challenge(id, keccak256("otherwise"), header);
        ICourt.Dispute memory record = lastRecord();
        if (record.turn >= ICourt.Turn.Child) {
            // Of a Program with one output the challenger has nothing to choose, and says so first.
            vm.prank(challenger);
            court.nameOutput(dispute, record, new bytes32[](0), 0, header);
            record = lastRecord();
        }
        mine(CLOCK + 1);
        court.timeout(dispute, record);
        vm.assertEq(uint256(court.stateOf(id)), uint256(ICourt.State.Struck));
    }
}
