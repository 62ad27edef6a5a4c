// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Arithmetic} from "../../src/Arithmetic.sol";
import {AssayToken} from "../../src/AssayToken.sol";
import {Court} from "../../src/Court.sol";
import {Programs} from "../../src/Programs.sol";
import {Referee} from "../../src/Referee.sol";
import {Registry} from "../../src/Registry.sol";
import {RiskOracle} from "../../src/RiskOracle.sol";
import {Rewards} from "../../src/Rewards.sol";
import {Rounds} from "../../src/Rounds.sol";
import {ICourt} from "../../src/interfaces/ICourt.sol";
import {IRiskOracle} from "../../src/interfaces/IRiskOracle.sol";
import {IRounds} from "../../src/interfaces/IRounds.sol";
import {Amount} from "../../src/lib/Amount.sol";
import {Header} from "../../src/lib/Header.sol";
import {Tree} from "../../src/lib/Tree.sol";
import {Records} from "./Records.sol";

/// @notice The training side of the house, deployed in the order the README gives, and nodes whose
///         keys are known, so that a test can play a whole round.
abstract contract World is Records {
    uint256 internal constant STAKE = 1000e18;
    uint256 internal constant BOND = 10e18;
    uint256 internal constant PENALTY = 5e18;
    uint64 internal constant BUDGET_GWEI = 100e9;
    uint64 internal constant WINDOW = 3;
    uint64 internal constant CLOCK = 50;
    uint256 internal constant GAS_PRICE_CAP = 1e11;
    uint256 internal constant GAS_RATE = 1e18;
    uint64 internal constant UNBOND = 1000;
    uint32 internal constant NEEDED = 3;
    uint32 internal constant QUORUM = 3;
    uint32 internal constant CAPACITY = 4;
    uint32 internal constant LENGTH = 64;
    uint32 internal constant UPDATE_LENGTH = 40;
    /// @dev The court also takes claims from what is deployed next after the desk.
    uint256 internal constant SPARE = 11;
    /// @dev And from the first contract of this account.
    address internal constant SURFACE_DEPLOYER = address(uint160(uint256(keccak256("surfaces"))));
    /// @dev Likewise.
    address internal constant JOBS_DEPLOYER = address(uint160(uint256(keccak256("jobs"))));
    /// @dev Likewise.
    address internal constant RUNS_DEPLOYER = address(uint160(uint256(keccak256("runs"))));
    bytes32 internal constant BLOB = keccak256("blob");

    AssayToken internal token;
    Registry internal registry;
    Programs internal programs;
    Referee internal referee;
    Court internal court;
    Rewards internal rewards;
    Rounds internal rounds;
    RiskOracle internal oracle;
    uint256[] internal keys;

    function deploy(uint256 nodes) internal {
        vm.roll(100);
        token = new AssayToken(address(this), 1_000_000_000e18);
        uint256 nonce = vm.getNonce(address(this));
        address predicted = vm.computeCreateAddress(address(this), nonce + 6);
        address[] memory consumers = new address[](6);
        consumers[0] = predicted;
        consumers[1] = vm.computeCreateAddress(address(this), nonce + 7);
        consumers[2] = vm.computeCreateAddress(address(this), nonce + SPARE);
        consumers[3] = vm.computeCreateAddress(SURFACE_DEPLOYER, vm.getNonce(SURFACE_DEPLOYER));
        consumers[4] = vm.computeCreateAddress(JOBS_DEPLOYER, vm.getNonce(JOBS_DEPLOYER));
        consumers[5] = vm.computeCreateAddress(RUNS_DEPLOYER, vm.getNonce(RUNS_DEPLOYER));
        registry = new Registry(token, predicted, STAKE / 10, UNBOND);
        programs = new Programs(token, BOND, WINDOW);
        referee = new Referee(new Arithmetic());
        court = new Court(token, programs, referee, termsOf(), consumers);
        rewards = new Rewards(token, registry, predicted, LENGTH);
        rounds = new Rounds(registry, court, rewards, configuration());
        vm.assertEq(address(rounds), predicted);
        oracle = new RiskOracle(rounds, court, reportPrograms(), posted());
        vm.assertEq(address(oracle), consumers[1]);
        registerPrograms();
        token.approve(address(rewards), type(uint256).max);
        rewards.fund(1_000_000e18);
        for (uint256 i = 0; i < nodes; ++i) {
            join(0xA11CE + i, STAKE);
        }
    }

    function termsOf() internal pure virtual returns (Court.Terms memory) {
        return Court.Terms({
            bond: BOND,
            windowBlocks: WINDOW,
            clockBlocks: CLOCK,
            gasPriceCap: GAS_PRICE_CAP,
            gasRate: GAS_RATE
        });
    }

    /// @notice Nobody strikes them, so their bytes are never looked at.
    function registerPrograms() internal {
        token.approve(address(programs), type(uint256).max);
        bytes32[] memory hashes = rounds.config().aggregatePrograms;
        for (uint256 i = 0; i < hashes.length; ++i) {
            programs.register(hashes[i], "");
        }
        hashes = reportPrograms();
        for (uint256 i = 0; i < hashes.length; ++i) {
            programs.register(hashes[i], "");
        }
        mine(WINDOW + 1);
    }

    /// @notice The header of the aggregation Program for `rows` rows: four ops, each an output.
    function headerOf(uint256 rows) internal pure returns (bytes memory) {
        bytes32 opsRoot = keccak256(abi.encode("program", rows));
        return bytes.concat(hex"04000000040000000000000001000000020000000300000000000000", opsRoot);
    }

    /// @notice The header of the report Program for `rows` rows, 0 before the first settled round.
    function reportHeaderOf(uint256 rows) internal pure returns (bytes memory) {
        bytes32 opsRoot = keccak256(abi.encode("report", rows));
        return bytes.concat(hex"0200000002000000000000000100000000000000", opsRoot);
    }

    function reportPrograms() internal view returns (bytes32[] memory hashes) {
        hashes = new bytes32[](rounds.config().aggregatePrograms.length + 1);
        hashes[0] = Header.hash(reportHeaderOf(0));
        for (uint256 i = 1; i < hashes.length; ++i) {
            hashes[i] = Header.hash(reportHeaderOf(i - 1 + QUORUM));
        }
    }

    /// @notice Features f32[2, 3] and anchors f64[40]: two chunks.
    function posted() internal pure returns (IRiskOracle.Posted[] memory list) {
        list = new IRiskOracle.Posted[](2);
        list[0] = IRiskOracle.Posted({length: 24, wide: false});
        list[1] = IRiskOracle.Posted({length: 320, wide: true});
    }

    function configuration() internal pure virtual returns (IRounds.Config memory) {
        return configurationOf(CAPACITY);
    }

    function configurationOf(uint32 capacity) internal pure returns (IRounds.Config memory config) {
        bytes32[] memory programs = new bytes32[](capacity - QUORUM + 1);
        for (uint256 i = 0; i < programs.length; ++i) {
            programs[i] = Header.hash(headerOf(i + QUORUM));
        }
        config = IRounds.Config({
            job: keccak256("job"),
            nodes: NEEDED,
            quorum: QUORUM,
            capacity: capacity,
            cumulativeLength: LENGTH,
            commitBlocks: 10,
            revealBlocks: 8,
            aggregateBlocks: 4,
            budgetGwei: BUDGET_GWEI,
            unrevealedPenalty: PENALTY,
            updateLength: UPDATE_LENGTH,
            trainProgram: keccak256("train"),
            initialModel: keccak256("model"),
            initialCumulative: keccak256("cumulative"),
            aggregatePrograms: programs
        });
    }

    function join(uint256 key, uint256 stake) internal returns (uint32 index) {
        address node = vm.addr(key);
        token.transfer(node, stake + 100e18);
        vm.startPrank(node);
        token.approve(address(registry), type(uint256).max);
        token.approve(address(court), type(uint256).max);
        index = registry.join(payeeOf(key), keccak256(abi.encode(key)), "127.0.0.1:1", stake);
        vm.stopPrank();
        keys.push(key);
    }

    function payeeOf(uint256 key) internal pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode("payee", key)))));
    }

    // A node's moves; `node` is both its index in `keys` and its registry index.

    function updateOf(uint32 node) internal view returns (bytes memory data) {
        data = new bytes(4 * UPDATE_LENGTH);
        for (uint256 i = 0; i < data.length; ++i) {
            data[i] = bytes1(uint8(uint256(keccak256(abi.encode(node, i, block.chainid)))));
        }
    }

    function hashUpdate(bytes calldata data) external pure returns (bytes32) {
        return Tree.tensorRoot4(data);
    }

    function updateRootOf(uint32 node) internal view returns (bytes32) {
        return this.hashUpdate(updateOf(node));
    }

    function saltOf(uint32 node) internal pure returns (bytes32) {
        return keccak256(abi.encode("salt", node));
    }

    function commitAs(uint32 node) internal {
        uint64 round = rounds.current().number;
        bytes32 commitment = rounds.commitmentOf(round, node, updateRootOf(node), saltOf(node));
        vm.prank(vm.addr(keys[node]));
        rounds.commit(round, commitment);
    }

    function certificate(uint64 round, uint32 node, uint32[] memory signers)
        internal
        view
        returns (bytes memory signatures)
    {
        bytes32 digest = rounds.availabilityDigest(round, node, updateRootOf(node), BLOB);
        bytes32 message = keccak256(abi.encodePacked("\x19Ethereum Signed Message:\n32", digest));
        for (uint256 i = 0; i < signers.length; ++i) {
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[signers[i]], message);
            signatures = bytes.concat(signatures, r, s, bytes1(v));
        }
    }

    function revealAs(uint32 node, uint32[] memory signers) internal {
        uint64 round = rounds.current().number;
        bytes memory signatures = certificate(round, node, signers);
        bytes32 root = updateRootOf(node);
        vm.prank(vm.addr(keys[node]));
        rounds.reveal(round, root, saltOf(node), BLOB, signatures);
    }

    function revealDataAs(uint32 node) internal {
        uint64 round = rounds.current().number;
        bytes memory update = updateOf(node);
        vm.prank(vm.addr(keys[node]));
        rounds.revealWithData(round, saltOf(node), BLOB, update);
    }

    function others(uint32 node, uint32 count) internal pure returns (uint32[] memory list) {
        list = new uint32[](count - 1);
        uint256 at = 0;
        for (uint32 i = 0; i < count; ++i) {
            if (i != node) list[at++] = i;
        }
    }

    /// @notice Opens a round and goes to the block in which its seats can be drawn.
    function openRound() internal returns (uint64 round) {
        round = rounds.open();
        mine(1);
    }

    function toAggregate(uint32 nodes) internal returns (uint64 round) {
        round = openRound();
        for (uint32 i = 0; i < nodes; ++i) {
            commitAs(i);
        }
        mine(2);
        for (uint32 i = 0; i < nodes; ++i) {
            revealAs(i, others(i, nodes));
        }
    }

    // Results. The cumulative tensor is what the tests say it is.

    struct Result {
        bytes32[] roots;
        bytes acceptedChunk;
        bytes cumulativeChunk;
        bytes32[] siblings;
    }

    /// @notice A result that accepts `rows` rows and pays node i `gwei_[i]` in all.
    function resultOf(uint256 rows, uint64[] memory gwei_, bytes32 salt)
        internal
        pure
        returns (Result memory result)
    {
        result.acceptedChunk = new bytes(128);
        for (uint256 i = 0; i < rows; ++i) {
            result.acceptedChunk[4 * i] = 0x01;
        }
        result.cumulativeChunk = new bytes(256);
        for (uint256 i = 0; i < gwei_.length; ++i) {
            bytes8 bits = bytes8(Amount.swap(Amount.fromUint64(gwei_[i])));
            for (uint256 j = 0; j < 8; ++j) {
                result.cumulativeChunk[8 * i + j] = bits[j];
            }
        }
        result.siblings = new bytes32[](1);
        result.siblings[0] = Tree.leaf(new bytes(256));
        result.roots = new bytes32[](4);
        result.roots[0] = keccak256(abi.encode("params", salt));
        result.roots[1] = Tree.leaf(result.acceptedChunk);
        result.roots[2] = keccak256("distance");
        result.roots[3] = payRoot(result);
    }

    /// @notice Returns the root of the cumulative tensor, whose second chunk is zero.
    function payRoot(Result memory result) internal pure returns (bytes32) {
        return Tree.climb(Tree.leaf(result.cumulativeChunk), 0, 2, result.siblings);
    }

    function outputsRootOf(bytes32[] memory roots) internal pure returns (bytes32) {
        bytes32[] memory copy = new bytes32[](roots.length);
        for (uint256 i = 0; i < roots.length; ++i) {
            copy[i] = roots[i];
        }
        return Tree.root(copy);
    }

    function postAs(uint32 node, bytes32 outputsRoot) internal returns (uint256 claim) {
        uint64 round = rounds.current().number;
        vm.prank(vm.addr(keys[node]));
        claim = rounds.postResult(round, outputsRoot);
    }

    /// @notice Challenges a claim of the running round.
    function challengeAs(uint32 node, uint256 claim)
        internal
        returns (uint256 dispute, ICourt.Dispute memory record)
    {
        uint256 rows = 0;
        IRounds.Seat[] memory seats = rounds.current().seats;
        for (uint256 i = 0; i < seats.length; ++i) {
            if (seats[i].revealed) rows += seats[i].rows;
        }
        vm.recordLogs();
        vm.prank(vm.addr(keys[node]));
        dispute = court.challenge(claim, keccak256("otherwise"), headerOf(rows));
        record = lastRecord();
    }

    /// @notice Challenges a claim whose asserter stays silent, and convicts it.
    function convictAs(uint32 node, uint256 claim) internal {
        (uint256 dispute, ICourt.Dispute memory record) = challengeAs(node, claim);
        mine(CLOCK + 1);
        court.timeout(dispute, record);
    }

    function equalPay(uint256 nodes, uint64 each) internal pure returns (uint64[] memory gwei_) {
        gwei_ = new uint64[](nodes);
        for (uint256 i = 0; i < nodes; ++i) {
            gwei_[i] = each;
        }
    }
}
