import Testing

@testable import Scheduler

/// How much of the tags is in use, whoever allots them.
struct TagPoolTests {
    @Test func onePoolHasFourteen() {
        var pool = TagPool(profile: .antrea)
        #expect(pool.use == (0, 14))
        pool.hold(7, on: [0, 1])
        pool.hold(11, on: [])
        #expect(pool.use == (2, 14))
        pool.release(7, on: [0, 1])
        #expect(pool.use == (1, 14))
    }

    @Test func ofCreditsThoseThatAreReservedAndForeignAreNotThere() {
        var pool = TagPool(profile: .external(reserve: 2, foreign: 3))
        pool.hold(0, on: [])
        #expect(pool.use == (1, 9))
        pool.profile = .external(reserve: 10, foreign: 10)
        #expect(pool.use.capacity == 0)
    }

    @Test func aTagOnTwoNodesIsHeldTwiceAndOneEverywhereOnEach() {
        var pool = TagPool(profile: .perNode)
        #expect(pool.use == (0, 14))
        pool.hold(7, on: [0, 2])
        #expect(pool.use == (2, 42), "node 1 is known by then")
        pool.hold(7, on: [1])
        pool.hold(11, on: [])
        #expect(pool.use == (6, 42))
        pool.release(7, on: [0, 2])
        pool.release(11, on: [])
        #expect(pool.use == (1, 42))
    }
}
