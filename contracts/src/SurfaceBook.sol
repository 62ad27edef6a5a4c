// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ScenarioBook} from "./ScenarioBook.sol";
import {ICourt} from "./interfaces/ICourt.sol";
import {IScenarioBook} from "./interfaces/IScenarioBook.sol";
import {ISurfaceBook} from "./interfaces/ISurfaceBook.sol";
import {Amount} from "./lib/Amount.sol";
import {Elementary64} from "./lib/Elementary64.sol";
import {F64} from "./lib/F64.sol";
import {Tree} from "./lib/Tree.sol";

/// @title Certified surfaces of one provider
/// @dev This contract is among the court's consumers. A report is no opening: it and the root of the
///      bounds are what the claim's outputs root is made of.
contract SurfaceBook is ISurfaceBook {
    /// @param claims behind it
    struct Surface {
        bytes32 market;
        uint256[] claims;
        Certificate[] slices;
    }

    uint256 private constant SLICES_MAX = 32;
    uint256 private constant EDGES = 8 * 513;
    uint256 private constant REPORT = 8 * 3;
    uint64 private constant REACH = 0x4010000000000000; // 4 deviations
    uint64 private constant LEE = 0x4000000000000000; // a wing's slope of 2
    uint64 private constant INFINITY = 0x7ff0000000000000;
    uint64 private constant YEARS = 0x3e6106291eb9624e; // of a second: 1 / (365 * 86400)

    /// @notice Keeps the claims behind surfaces.
    ICourt public immutable court;
    /// @notice Who posts.
    address public immutable provider;
    /// @notice Program that bounds a slice's density.
    bytes32 public immutable butterfly;
    /// @notice Program that bounds two slices' distance.
    bytes32 public immutable calendar;

    Surface[] private _surfaces;
    /// @notice Number of the surface that counts plus one, 0 for none.
    mapping(bytes32 market => uint256) public current;

    constructor(ICourt court_, address provider_, bytes32 butterfly_, bytes32 calendar_) {
        require(court_.isConsumer(address(this)), NotProvider(address(court_)));
        (court, provider, butterfly, calendar) = (court_, provider_, butterfly_, calendar_);
    }

    /// @inheritdoc ISurfaceBook
    function post(bytes32 market, Slice[] calldata slices) external returns (uint256 number) {
        require(msg.sender == provider, NotProvider(msg.sender));
        bool some = slices.length > 0 && slices.length <= SLICES_MAX;
        require(some, BadSlice(slices.length, "slices"));
        number = _surfaces.length;
        Surface storage surface = _surfaces.push();
        surface.market = market;
        for (uint256 i = 0; i < slices.length; ++i) {
            Slice calldata slice = slices[i];
            Certificate memory made = Certificate(slice.expiry, slice.svi, 0, INFINITY);
            made.density = _report(i, slice.butterfly, true);
            bytes32 inputs = butterflyInputs(slice.svi, slice.butterfly.edges);
            surface.claims.push(_claim(butterfly, inputs, slice.butterfly));
            if (i > 0) {
                Slice calldata before = slices[i - 1];
                require(before.expiry < slice.expiry, BadSlice(i, "expiry"));
                made.calendar = _report(i, slice.calendar, false);
                inputs = calendarInputs(before.svi, slice.svi, slice.calendar.edges);
                surface.claims.push(_claim(calendar, inputs, slice.calendar));
            }
            surface.slices.push(made);
        }
        emit Posted(market, number, surface.slices);
    }

    /// @inheritdoc ISurfaceBook
    function settle(uint256 number) external {
        Surface storage surface = _surfaces[number];
        bytes32 market = surface.market;
        if (current[market] > number) return;
        for (uint256 i = 0; i < surface.claims.length; ++i) {
            uint256 id = surface.claims[i];
            ICourt.Claim memory claim = court.claim(id);
            if (claim.state == ICourt.State.Open && block.number > claim.deadline) {
                court.finalise(id);
            } else {
                require(claim.state == ICourt.State.Final, NotFinal(id));
            }
        }
        current[market] = number + 1;
        emit Settled(market, number);
    }

    // Views.

    /// @inheritdoc ISurfaceBook
    function certified(bytes32 market, uint64 expiry)
        public
        view
        returns (bool holds, Certificate memory slice)
    {
        uint256 number = current[market];
        if (number == 0) return (false, slice);
        Certificate[] storage slices = _surfaces[number - 1].slices;
        for (uint256 i = 0; i < slices.length; ++i) {
            if (slices[i].expiry == expiry) return (true, slices[i]);
        }
    }

    /// @inheritdoc ISurfaceBook
    function variance(bytes32 market, uint64 expiry, uint64 k) public view returns (uint64) {
        (bool holds, Certificate memory slice) = certified(market, expiry);
        require(holds, NoSlice(market, expiry));
        Svi memory svi = slice.svi;
        uint64 x = F64.sub(k, svi.m);
        uint64 root = F64.sqrt(F64.fma(x, x, F64.mul(svi.sigma, svi.sigma)));
        return F64.fma(svi.b, F64.fma(svi.rho, x, root), svi.a);
    }

    /// @inheritdoc ISurfaceBook
    function compare(ScenarioBook book, uint32 instrument, IScenarioBook.Data calldata data)
        external
        view
        returns (uint64 claimed, uint64 surface)
    {
        IScenarioBook.Instrument memory known = book.instrumentOf(instrument);
        bytes32 got = book.inputsOf(known.market, data);
        bytes32 expected = court.claim(book.gridOf(known.market).claim).inputsRoot;
        bool same = address(book.court()) == address(court) && got == expected;
        require(same, NotTheGrid(expected, got));
        uint64 forward = F64.mul(Amount.load(data.forwards, known.row), Amount.load(data.head, 1));
        uint64 k = Elementary64.log(F64.div(known.strike, forward));
        surface = variance(book.marketOf(known.market).name, known.expiry, k);
        uint64 left = F64.sub(Amount.fromUint64(known.expiry), Amount.load(data.head, 0));
        uint64 volatility = Amount.load(data.volatilities, known.row);
        claimed = F64.mul(F64.mul(volatility, volatility), F64.mul(left, YEARS));
    }

    /// @inheritdoc ISurfaceBook
    function butterflyInputs(Svi calldata svi, bytes calldata edges) public pure returns (bytes32) {
        bytes32[] memory roots = new bytes32[](2);
        (roots[0], roots[1]) = (_root(svi), Tree.tensorRoot(edges, Tree.CHUNK_8));
        return Tree.root(roots);
    }

    /// @inheritdoc ISurfaceBook
    function calendarInputs(Svi calldata earlier, Svi calldata later, bytes calldata edges)
        public
        pure
        returns (bytes32)
    {
        bytes32[] memory roots = new bytes32[](3);
        (roots[0], roots[1]) = (_root(earlier), _root(later));
        roots[2] = Tree.tensorRoot(edges, Tree.CHUNK_8);
        return Tree.root(roots);
    }

    /// @inheritdoc ISurfaceBook
    function outputs(Proof calldata proof) public pure returns (bytes32) {
        bytes32[] memory roots = new bytes32[](2);
        (roots[0], roots[1]) = (proof.bounds, Tree.tensorRoot(proof.report, Tree.CHUNK_8));
        return Tree.root(roots);
    }

    // What the functions above are made of.

    function _claim(bytes32 program, bytes32 inputs, Proof calldata proof)
        private
        returns (uint256)
    {
        return court.post(program, inputs, outputs(proof), provider, 1, new uint256[](0));
    }

    /// @dev Returns the least bound of a report that says that there is no arbitrage.
    function _report(uint256 slice, Proof calldata proof, bool wings)
        private
        pure
        returns (uint64 least)
    {
        require(proof.edges.length == EDGES, BadSlice(slice, "edges"));
        require(proof.report.length == REPORT, BadSlice(slice, "report"));
        least = Amount.load(proof.report, 0);
        require(F64.lt(0, least), NotCertified(slice, wings ? "density" : "calendar"));
        require(F64.le(REACH, Amount.load(proof.report, 1)), NotCertified(slice, "reach"));
        bool flat = !wings || F64.le(Amount.load(proof.report, 2), LEE);
        require(flat, NotCertified(slice, "slope"));
    }

    /// @dev Returns the root of parameters as f64[5].
    function _root(Svi calldata svi) private pure returns (bytes32) {
        return Tree.leaf(
            abi.encodePacked(
                Amount.swap(svi.a),
                Amount.swap(svi.b),
                Amount.swap(svi.rho),
                Amount.swap(svi.m),
                Amount.swap(svi.sigma),
                new bytes(Tree.CHUNK_8 - 40)
            )
        );
    }
}
